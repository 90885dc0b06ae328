/*
 * The chart of the download queue: the rate of all downloads over the last minutes.
 *
 * [data-rate-chart]     a figure with an <svg> that has a <polyline>
 *   data-samples        JSON: [[seconds since the epoch, bytes a second], …], the oldest first
 *   data-seconds        how far back it reaches
 *   data-text           the sentence for who does not see it, with %(now)s and %(most)s; it goes
 *                       into [data-rate-text] and the picture's label
 * It goes on from the events that live.js hands on (`panel:event`), and writes rates with its function.
 */
(() => {
  "use strict";

  const EVERY_MS = 5000;
  const STALE_MS = 12000; // a download that said nothing for so long does not count
  const rates = new Map(); // of each download: [bytes a second, when it was said]

  document.addEventListener("panel:event", ({ detail: { type, subject, data } }) => {
    if (type === "task.progress" && data.unit === "bytes" && data.resource_type === "model") {
      rates.set(subject, [data.rate || 0, performance.now()]);
    } else if (type === "task.changed" && data.state !== "running") rates.delete(subject);
  });

  function rateNow() {
    let sum = 0;
    for (const [rate, at] of rates.values()) if (performance.now() - at < STALE_MS) sum += rate;
    return Math.trunc(sum);
  }

  function draw(figure, samples) {
    const picture = figure.querySelector("svg");
    const { width, height } = picture.viewBox.baseVal;
    const seconds = Number(figure.dataset.seconds);
    const now = samples.at(-1)[0];
    const most = samples.reduce((highest, [, rate]) => Math.max(highest, rate), 0);
    const points = samples.map(([at, rate]) => {
      const x = width * (1 - (now - at) / seconds);
      return `${x.toFixed(1)},${(height - (rate / (most || 1)) * (height - 8)).toFixed(1)}`;
    });
    picture.querySelector("polyline").setAttribute("points", points.join(" "));
    const { formatRate } = window.ollamactl;
    const text = figure.dataset.text
      .replace("%(now)s", formatRate(samples.at(-1)[1]))
      .replace("%(most)s", formatRate(most));
    picture.setAttribute("aria-label", text);
    figure.querySelector("[data-rate-text]").textContent = text;
  }

  function begin(figure) {
    let samples = JSON.parse(figure.dataset.samples || "[]");
    const next = () => {
      const now = Math.trunc(Date.now() / 1000);
      samples = samples.filter(([at]) => now - at <= Number(figure.dataset.seconds) && at <= now);
      samples.push([now, rateNow()]);
      draw(figure, samples);
    };
    setInterval(next, EVERY_MS);
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-rate-chart]").forEach(begin));
})();
