/*
 * Live events in the page: one socket, one small script, no framework.
 *
 * The markup says what it wants through attributes; whole pages and fragments that htmx swaps in
 * are treated alike.
 *
 * <html>
 *   data-live="connected|reconnecting|offline|login"   set by this script
 *   data-stale          there while what is shown may be old: grey out what moves
 *
 * [data-live-pill]      says how the connection stands; without one (login page) nothing connects
 *   data-state          connected|reconnecting|offline|login, set by this script
 *   data-text-connected, data-text-reconnecting, data-text-offline, data-text-login
 *                       the words for each state; they go into the child [data-live-pill-text],
 *                       else they are the pill's text
 *   <a data-live-login href="/login/" hidden>   a child, shown in the state "login" only; its
 *                       `next` is set to the present page
 *
 * [data-live-topics="models task:9"]   topics to hear while the element is on the page
 *
 * [data-live="task:9"]   its descendants are patched with the newest numbers of that task:
 *   [data-field="done|total|percent|rate|eta|phase"]
 *                       text; empty where the number is not known
 *   [data-field="phase"]   holds `data-text-<phase>="translated word"` for each phase, as
 *                       data-text-verifying; one without shows the worker's own word
 *   <progress data-field="bar">   value and max; without a value while the total is not known
 *   Inside it, an element [data-live="…"] of another task keeps to its own.
 *
 * [data-live-refresh="model:7"]   on `<type>.changed` and `<type>.removed` of that subject (and on
 *   `task.changed` of a task whose resource it is) the element gets the event `live:refresh`:
 *   hx-get="…" hx-trigger="live:refresh" hx-swap="outerHTML". Several subjects: separated by spaces.
 * [data-live-list="models"]   the same for a list: on `.changed` of a subject that has no element
 *   [data-live-refresh] on the page, and on `.removed`. Several topics: separated by spaces
 *   (models, tasks, servers). With data-live-every, on every change (counters, summaries).
 *   Both after 0–300 ms, several events in one request, a list once a second at most; both once
 *   after each reconnect. Give each an id: what is swapped in is found by it. When many rows of a
 *   list are due, the list itself is asked for. The event does not bubble.
 *
 * [data-live-log="task:9"]   a log that grows: `task.log` appends to its text
 *   data-offset         bytes shown so far (where the next event's text begins)
 *   data-log-url        answers text from `?offset=`; asked for when an event leaves a gap
 *   data-follow         scroll to the end as it grows, unless the reader has scrolled up
 *
 * For the other scripts: `window.ollamactl.formatRate` writes bytes a second, `.isAsked` tells what
 * somebody has asked for (of a request's configuration) from what the page asks for by itself.
 *
 * Events on `document`: `panel:notice` (detail: the notice's data), `panel:event` (detail: the whole
 * message, after the page has been patched).
 */
(() => {
  "use strict";

  const page = document.documentElement;
  const find = (selector) => [...document.querySelectorAll(selector)];
  /** The elements whose attribute is (or, with "~", has as a word) this text. */
  const having = (name, text, operator = "") => find(`[${name}${operator}="${CSS.escape(text)}"]`);
  const words = (text) => (text || "").split(/\s+/).filter(Boolean);

  // --- numbers as the server writes them (ollamactl/lib/formats.py) -----------------------------

  const UNITS = [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["KB", 1e3]];

  /** The nearest whole number, of two equally near ones the even one, as Python rounds. */
  function toEven(value) {
    const floor = Math.floor(value);
    const rest = value - floor;
    if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
    return Math.round(value);
  }

  function formatSize(size) {
    for (const [unit, factor] of UNITS) {
      if (Math.abs(size) < factor) continue;
      const value = size / factor;
      if (Math.abs(value) >= 10 || value === Math.trunc(value)) return `${Math.trunc(value)} ${unit}`;
      const isTie = (value * 4) % 1 === 0 && (value * 2) % 1 !== 0; // x.25 and x.75 are exact
      return `${isTie ? (toEven(value * 10) / 10).toFixed(1) : value.toFixed(1)} ${unit}`;
    }
    return `${size} B`;
  }

  function formatDuration(seconds) {
    if (!(seconds < 360000)) return "99h+";
    if (seconds >= 3600) return `${Math.floor(seconds / 3600)}h${Math.floor(seconds / 60) % 60}m`;
    const whole = toEven(Math.max(seconds, 0));
    if (whole >= 3600) return "1h0m";
    return whole >= 60 ? `${Math.floor(whole / 60)}m${whole % 60}s` : `${whole}s`;
  }

  const groups = new Intl.NumberFormat(document.documentElement.lang || "en"); // as in "10,000 items"
  const formatRate = (rate) => `${formatSize(rate > 0 ? Math.trunc(rate) : 0)}/s`;

  /** Whether somebody has asked for it, not an event nor the page's loading. */
  const isAsked = ({ triggeringEvent }) => Boolean(triggeringEvent) && triggeringEvent.type !== "live:refresh";

  window.ollamactl = { formatRate, isAsked };

  // --- patching -----------------------------------------------------------------------------------

  /** The text of each field; of the bar its value and max, or null. */
  function progressFields(progress) {
    const { done, total, rate, phase } = progress;
    const inBytes = progress.unit === "bytes";
    const write = (number) => (inBytes ? formatSize(number) : groups.format(number));
    const known = (number) => typeof number === "number";
    const share = known(done) && total > 0 ? Math.min(1, done / total) : null;
    return {
      done: known(done) ? write(done) : "",
      total: known(total) ? write(total) : "",
      percent: share === null ? "" : `${Math.trunc(share * 100)}%`,
      rate: inBytes && rate ? formatRate(rate) : "",
      eta: known(progress.eta_seconds) ? formatDuration(progress.eta_seconds) : "",
      phase: phase || "",
      bar: share === null ? null : [done, total],
    };
  }

  function patch(subject, fields) {
    for (const element of having("data-live", subject)) {
      for (const field of element.querySelectorAll("[data-field]")) {
        const name = field.dataset.field;
        if (name in fields && field.closest("[data-live]") === element) patchField(field, fields[name]);
      }
    }
  }

  function patchField(field, text) {
    if (field.dataset.field === "bar") return patchBar(field, text);
    const shown = field.getAttribute(`data-text-${text.toLowerCase()}`) ?? text;
    if (field.textContent !== shown) field.textContent = shown;
  }

  function patchBar(bar, range) {
    if (range === null) return bar.removeAttribute("value");
    bar.max = range[1];
    bar.value = range[0];
  }

  // --- fragments ----------------------------------------------------------------------------------

  const REFRESHED = "[data-live-refresh], [data-live-list]";
  const MANY_ROWS = 8; // from here on the list itself is one request instead of many
  const BUSY_MS = 150;
  const LIST_MS = 1000; // the least time from one request for a list to the next
  const due = new Set();
  const inFlight = new WeakSet();
  const lately = new Map(); // when a list was asked for last, by its id
  const wanted = new Map(); // when it was last due, by its id
  let flushTimer = null;

  function refresh(elements) {
    for (const element of elements) {
      due.add(element);
      if (element.id) wanted.set(element.id, performance.now());
    }
    if (due.size) flushTimer ??= setTimeout(flush, Math.random() * 300);
  }

  function flush() {
    flushTimer = null;
    const present = new Set([...due].map(presentOne).filter(Boolean));
    due.clear();
    const lists = new Map();
    for (const element of present) {
      const list = element.parentElement?.closest("[data-live-list]");
      if (list) lists.set(list, (lists.get(list) || 0) + 1);
    }
    for (const [list, rows] of lists) if (rows > MANY_ROWS) present.add(list);
    for (const element of present) {
      if (hasAncestorIn(element, present)) continue;
      // An answer that is on its way may be older than this event: ask again after it.
      if (inFlight.has(element) || isTooSoon(element)) due.add(element);
      else element.dispatchEvent(new CustomEvent("live:refresh", { bubbles: false }));
    }
    if (due.size) flushTimer ??= setTimeout(flush, BUSY_MS);
  }

  function isTooSoon(element) {
    if (!("liveList" in element.dataset)) return false;
    const key = element.id || element;
    if (performance.now() - (lately.get(key) ?? -LIST_MS) < LIST_MS) return true;
    lately.set(key, performance.now());
    return false;
  }

  /** The element, or what has taken its place on the page. */
  function presentOne(element) {
    if (element.isConnected) return element;
    return element.id ? document.getElementById(element.id) : null;
  }

  function hasAncestorIn(element, elements) {
    for (let at = element.parentElement; at; at = at.parentElement) if (elements.has(at)) return true;
    return false;
  }

  const refreshAll = () => refresh(find(REFRESHED));

  /** Ask for what shows this subject; for the list of its kind where nothing does. */
  function refreshSubject(subject, isRemoved) {
    const list = `${subject.split(":")[0]}s`;
    const rows = having("data-live-refresh", subject, "~");
    const lists = having("data-live-list", list, "~");
    refresh(rows.filter((row) => !isRemoved || !row.closest("[data-live-list]")));
    refresh(lists.filter((one) => isRemoved || !rows.length || "liveEvery" in one.dataset));
  }

  const begun = new WeakMap(); // when each request that is under way was sent
  const aside = new Set(); // what the answer at hand has swapped beside its target, by ids

  // Not `detail.elt`: after a swap that is what is left on the page, not what asked.
  document.addEventListener("htmx:beforeSend", ({ detail }) => {
    const { elt } = detail.requestConfig;
    inFlight.add(elt);
    begun.set(detail.xhr, performance.now());
    // On the element itself: once it is off the page nothing of it comes to the document.
    elt.addEventListener("htmx:beforeOnLoad", findTarget);
    elt.addEventListener("htmx:afterRequest", askAgain);
  });
  document.addEventListener("htmx:oobAfterSwap", ({ detail }) => aside.add(detail.target.id));

  /** What came may be older than an event since it was asked for, whose own answer it has replaced. */
  function askAgain({ detail: { xhr, requestConfig, target, successful } }) {
    const since = begun.get(xhr);
    if (since === undefined) return;
    begun.delete(xhr);
    inFlight.delete(requestConfig.elt);
    const swapped = successful ? [...aside, target.id] : [...aside];
    aside.clear();
    const late = [...wanted.keys()].filter((id) => wanted.get(id) > since);
    const [parts, shown] = [swapped, late].map((ids) => ids.map((id) => document.getElementById(id)).filter(Boolean));
    refresh(shown.filter((element) => parts.some((part) => part.contains(element))));
  }

  /**
   * What somebody has asked for goes where it was meant to, though what came live was there first.
   * What the page asked for by itself is of no use once its place has been taken by something newer:
   * neither it, nor what comes along, nor its address.
   */
  function findTarget(event) {
    const { target, requestConfig } = event.detail;
    if (target.isConnected) return;
    if (isAsked(requestConfig)) event.detail.target = document.getElementById(target.id) || target;
    else event.preventDefault();
  }

  // --- logs ---------------------------------------------------------------------------------------

  const MOST_LOG = 1e6; // characters on the page; older ones are in the file
  const encoder = new TextEncoder();
  const fetching = new WeakSet();

  function appendLog(log, text) {
    if (!text) return;
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 32;
    log.append(text);
    let length = log.textContent.length;
    while (length > MOST_LOG && log.firstChild !== log.lastChild) {
      length -= log.firstChild.textContent.length;
      log.firstChild.remove();
    }
    if ("follow" in log.dataset && isAtEnd) log.scrollTop = log.scrollHeight;
  }

  function hearLog(log, { offset, text }) {
    const shown = Number(log.dataset.offset || 0);
    const end = offset + encoder.encode(text).length;
    if (end <= shown) return;
    if (offset !== shown || fetching.has(log)) return void catchUpLog(log);
    log.dataset.offset = end;
    appendLog(log, text);
  }

  /** Fetch what is missing, until the file has no more. */
  async function catchUpLog(log) {
    if (!log.dataset.logUrl) return;
    log.dataset.wanted = "";
    if (fetching.has(log)) return;
    fetching.add(log);
    try {
      while ("wanted" in log.dataset && log.isConnected) {
        delete log.dataset.wanted;
        const url = new URL(log.dataset.logUrl, location.href);
        url.searchParams.set("offset", log.dataset.offset || 0);
        const answer = await fetch(url, { credentials: "same-origin" });
        if (!answer.ok) break;
        const next = answer.headers.get("X-Log-Next-Offset");
        if (next === null) break;
        appendLog(log, await answer.text());
        log.dataset.offset = next;
        if (Number(next) < Number(answer.headers.get("X-Log-Size"))) log.dataset.wanted = "";
      }
    } catch {
      // No answer: the next event or the next connection asks again.
    } finally {
      fetching.delete(log);
    }
  }

  // --- messages -----------------------------------------------------------------------------------

  const versions = new Map();
  const awaited = new Set(); // topics whose snapshot is on its way
  let freshSince = 0; // the server's clock, ms: what changed later may not be on the page yet

  /** Whether this is news of the subject; the highest version wins. */
  function isNews(subject, seq) {
    if (seq < (versions.get(subject) || 0)) return false;
    versions.set(subject, seq);
    return true;
  }

  function hearRow(subject, data) {
    const progress = data.progress || ("done" in data ? data : null);
    if (progress) patch(subject, progressFields(progress));
  }

  function hearSnapshot({ subject, data }) {
    const isExpected = awaited.delete(subject);
    const rows = [];
    if (subject.includes(":")) rows.push([subject, data]);
    else {
      const kind = subject.replace(/s$/, "");
      for (const row of data?.[subject] || []) rows.push([`${kind}:${row.id}`, row]);
    }
    for (const [name, row] of rows) {
      if (row && isNews(name, row.seq || 0)) hearRow(name, row);
      if (!row || row.seq > freshSince) refreshSubject(name, false);
      if (row?.log_file_exist) having("data-live-log", name).forEach(catchUpLog);
    }
    // The server lost its source for a moment: nobody knows what was missed.
    if (!isExpected) refreshAll();
  }

  function hearEvent({ type, subject, seq, data }) {
    if (type === "task.log") return having("data-live-log", subject).forEach((log) => hearLog(log, data));
    if (type === "chat.delta") return; // chat.js shows it
    if (!isNews(subject, seq)) return;
    const verb = type.split(".").pop();
    if (verb !== "removed") hearRow(subject, data);
    if (verb === "progress") return;
    refreshSubject(subject, verb === "removed");
    if (data.resource_type && data.resource_id != null) {
      refresh(having("data-live-refresh", `${data.resource_type}:${data.resource_id}`, "~"));
    }
  }

  function hear(message) {
    const { type, data } = message;
    if (type === "hello") hearHello(message);
    else if (type === "snapshot") hearSnapshot(message);
    else if (type === "error") (data.topics || []).forEach((topic) => denied.add(topic));
    else if (type === "notice") announce("notice", data);
    else if (type.includes(".")) hearEvent(message);
    if (type !== "pong") announce("event", message);
  }

  const announce = (name, detail) => document.dispatchEvent(new CustomEvent(`panel:${name}`, { detail }));

  // --- topics -------------------------------------------------------------------------------------

  const MOST_TOPICS = 200;
  const denied = new Set();
  const heard = new Set();
  let topicsTimer = null;

  function syncTopics() {
    topicsTimer = null;
    if (!isOpen()) return;
    const wanted = new Set(find("[data-live-topics]").flatMap((element) => words(element.dataset.liveTopics)));
    for (const topic of denied) wanted.delete(topic);
    const gone = [...heard].filter((topic) => !wanted.has(topic));
    const added = [...wanted].filter((topic) => !heard.has(topic)).slice(0, MOST_TOPICS - heard.size + gone.length);
    gone.forEach((topic) => heard.delete(topic));
    added.forEach((topic) => { heard.add(topic); awaited.add(topic); });
    if (gone.length) say({ type: "unsubscribe", topics: gone });
    if (added.length) say({ type: "subscribe", topics: added });
  }

  const watcher = new MutationObserver((changes) => {
    const isMarkup = (node) => node.nodeType === Node.ELEMENT_NODE;
    const isChange = ({ type, addedNodes, removedNodes }) =>
      type === "attributes" || [...addedNodes, ...removedNodes].some(isMarkup);
    if (!changes.some(isChange)) return;
    if (freshSince) freshSince = Math.max(freshSince, serverNow() - 5000);
    topicsTimer ??= setTimeout(syncTopics, 50);
    showState();
  });

  // --- the connection -----------------------------------------------------------------------------

  const CONNECT_MS = 10000, PING_MS = 25000, PONG_MS = 5000;
  const LONGEST_PAUSE_MS = 30000, LOGIN_PAUSE_MS = 10000, FULL_PAUSE_MS = 15000;
  const OFFLINE_AFTER = 4; // attempts in vain
  const others = "BroadcastChannel" in window ? new BroadcastChannel("ollamactl.live") : null;
  let socket = null;
  let state = null;
  let attempts = 0;
  let wasConnected = false;
  let user = null;
  let clock = 0; // server's clock minus ours, ms
  let retryTimer = null, deadline = null, pingTimer = null;

  const isOpen = () => socket?.readyState === WebSocket.OPEN;
  const serverNow = () => Date.now() + clock;
  const say = (message) => socket.send(JSON.stringify(message));
  const pill = () => document.querySelector("[data-live-pill]");

  function setState(next) {
    if (state === next) return;
    state = next;
    page.dataset.live = state;
    page.toggleAttribute("data-stale", state !== "connected");
    showState();
  }

  function showState() {
    const element = pill();
    if (!element || !state || element.dataset.state === state) return;
    element.dataset.state = state;
    const text = element.getAttribute(`data-text-${state}`) ?? "";
    const place = element.querySelector("[data-live-pill-text]") || element;
    place.textContent = text;
    const login = element.querySelector("[data-live-login]");
    if (!login) return;
    login.hidden = state !== "login";
    const url = new URL(login.href, location.href);
    url.searchParams.set("next", location.pathname + location.search);
    login.href = url;
  }

  function connect() {
    drop();
    const url = new URL("/ws/v1/events/", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    socket = new WebSocket(url);
    const mine = socket;
    const only = (work) => (event) => { if (socket === mine) work(event); };
    // The first message also asks the server to say at once whether anybody is logged in.
    socket.onopen = only(() => { syncTopics(); say({ type: "ping" }); });
    socket.onmessage = only((event) => { listenOn(); hear(JSON.parse(event.data)); });
    socket.onclose = only((event) => lost(event.code));
    deadline = setTimeout(() => lost(0), CONNECT_MS);
  }

  /** Let go of the socket without waiting for its end. */
  function drop() {
    [retryTimer, deadline, pingTimer].forEach(clearTimeout);
    const old = socket;
    socket = null;
    heard.clear();
    awaited.clear();
    if (old) old.onopen = old.onmessage = old.onclose = null;
    if (old && old.readyState <= WebSocket.OPEN) old.close();
  }

  function hearHello({ data, ts }) {
    clock = Date.parse(ts) - Date.now();
    if (user !== null && user !== data.user.id) return location.reload(); // somebody else logged in
    if (user === null) freshSince = serverNow() - performance.now();
    user = data.user.id;
    attempts = 0;
    setState("connected");
    if (wasConnected) {
      versions.clear(); // a restored database may be behind what was heard
      freshSince = serverNow();
      refreshAll();
    }
    others?.postMessage("hello");
    wasConnected = true;
  }

  function lost(code) {
    drop();
    attempts += 1;
    if (code === 4401) setState("login");
    else setState(navigator.onLine === false || attempts >= OFFLINE_AFTER ? "offline" : "reconnecting");
    const growing = Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(attempts - 1, 10));
    const pause = { 4401: LOGIN_PAUSE_MS, 4429: FULL_PAUSE_MS }[code] ?? growing;
    retryTimer = setTimeout(retry, pause * (0.5 + Math.random() / 2));
  }

  function retry() {
    // Who has logged out has a hidden page asked again when it is looked at, not all night.
    if (state !== "login" || document.visibilityState !== "hidden") connect();
  }

  /** Something was heard: the connection lives. Ask again when it has been quiet. */
  function listenOn() {
    [deadline, pingTimer].forEach(clearTimeout);
    pingTimer = setTimeout(probe, PING_MS);
  }

  /** Ask for a sign of life, soon; a connection that slept does not know that it is dead. */
  function probe() {
    if (!isOpen()) return;
    say({ type: "ping" });
    [deadline, pingTimer].forEach(clearTimeout);
    deadline = setTimeout(() => lost(0), PONG_MS);
  }

  /** The network, the page or the person is back: do not wait for the next attempt. */
  function wake() {
    if (document.visibilityState === "hidden" || !pill()) return;
    if (isOpen()) probe();
    else if (socket?.readyState !== WebSocket.CONNECTING) connect();
  }

  function start() {
    if (!pill()) return;
    watcher.observe(page, { childList: true, subtree: true, attributeFilter: ["data-live-topics"] });
    window.addEventListener("online", wake);
    window.addEventListener("offline", () => { if (!isOpen()) setState("offline"); else probe(); });
    document.addEventListener("visibilitychange", wake);
    window.addEventListener("pageshow", ({ persisted }) => { if (persisted) { setState("reconnecting"); wake(); } });
    window.addEventListener("pagehide", drop);
    others?.addEventListener("message", () => { if (state === "login") wake(); });
    connect();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
