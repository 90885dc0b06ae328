/*
 * Times in the reader's own time zone, in the page's language.
 *
 *   <time datetime="2025-08-05T06:10:07.000+00:00" data-moment>… UTC</time>
 *                             becomes "06:10:07" on the same day, else "Aug 5, 2025, 06:10"
 *   <time … data-moment="relative">
 *                             becomes "2 minutes ago" or "in 4 minutes", within a week
 * Each gets the whole time with its zone as its title. What htmx swaps in is treated alike.
 */
(() => {
  "use strict";

  const page = document.documentElement;
  const MINUTE = 60, HOUR = 3600, DAY = 86400;
  const NOW_S = 45; // nearer than this is "now"
  const NEAR_S = 7 * DAY;
  const AGAIN_MS = 20000;

  /** The page's language as this reader writes it (en-GB), else as it is. */
  function language() {
    const base = (page.lang || "en").split("-")[0];
    const own = navigator.languages?.find((one) => one.split("-")[0] === base);
    return own || page.lang || "en";
  }

  const writers = new Map();
  function writer(name, make) {
    if (!writers.has(name)) writers.set(name, make(language()));
    return writers.get(name);
  }

  const format = (name, options) => writer(name, (spoken) => new Intl.DateTimeFormat(spoken, options));
  const whole = (moment) => format("whole", { dateStyle: "full", timeStyle: "long" }).format(moment);
  const clock = (moment) => format("clock", { timeStyle: "medium" }).format(moment);
  const day = (moment) => format("day", { dateStyle: "medium", timeStyle: "short" }).format(moment);

  function away(seconds) {
    const spoken = writer("away", (one) => new Intl.RelativeTimeFormat(one, { numeric: "auto" }));
    const size = Math.abs(seconds);
    if (size < NOW_S) return spoken.format(0, "second");
    if (size < HOUR) return spoken.format(Math.trunc(seconds / MINUTE) || Math.sign(seconds), "minute");
    if (size < DAY) return spoken.format(Math.trunc(seconds / HOUR), "hour");
    return spoken.format(Math.trunc(seconds / DAY), "day");
  }

  function show(time) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) return;
    const seconds = (moment - Date.now()) / 1000;
    const isRelative = time.dataset.moment === "relative" && Math.abs(seconds) < NEAR_S;
    const isToday = moment.toDateString() === new Date().toDateString();
    const text = isRelative ? away(seconds) : isToday ? clock(moment) : day(moment);
    if (time.textContent !== text) time.textContent = text;
    time.title = whole(moment);
  }

  function showAll(root) {
    if (root.matches?.("time[data-moment]")) show(root);
    root.querySelectorAll("time[data-moment]").forEach(show);
  }

  function start() {
    showAll(document.body);
    document.body.addEventListener("htmx:load", ({ detail }) => showAll(detail.elt));
    setInterval(() => {
      if (document.visibilityState === "visible") showAll(document.body);
    }, AGAIN_MS);
    document.addEventListener("visibilitychange", () => showAll(document.body));
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
