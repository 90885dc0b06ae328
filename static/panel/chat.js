/*
 * The online terminal: an answer while it comes, and the place where one types.
 *
 * Rendered messages come from the server as fragments; this script only adds plain text to an answer
 * under way. It hears `chat.delta` through live.js (models_app/chat/events.py says what is in it).
 *
 *   #chat-transcript[data-chat="5"]   the transcript; gets `live:refresh` when other messages are new
 *   article[data-message][data-state][data-attempt]   a message; while pending or streaming it holds
 *     [data-chat-text], [data-chat-thinking] in [data-chat-thinking-box], [data-chat-pace][data-text]
 *   #chat-status[data-text-begun|done|ended]   says beginning and end, not each word
 *   article[data-version]   shows an older version of a message until the reader turns back
 *   [data-chat-form]   Enter sends, Shift+Enter is a new line, up and down recall what was sent,
 *                      Esc stops the answer; [data-chat-clears] empties it once it is taken
 */
(() => {
  "use strict";

  const LIVE = ["pending", "streaming"];
  const SPOKEN = 300; // characters of an answer that are read out at its end
  const AGAIN_MS = 300;
  const NEAR = 48; // pixels from the end within which the reader is at the end
  const answers = new Map(); // by message: {attempt, text, length, thinking, thinkingLength, tokens, seconds}
  const asked = new Map(); // when a message was asked for again
  const transcript = () => document.getElementById("chat-transcript");
  const article = (id) => document.getElementById(`chat-message-${id}`);
  const isLive = (element) => LIVE.includes(element?.dataset.state);

  // --- text that grows ------------------------------------------------------------------------------

  /** Characters as the server counts them: code points. */
  const count = (text) => { let number = 0; for (const _one of text) number += 1; return number; };

  function seeded(id, attempt) {
    const element = article(id);
    const isSame = element && Number(element.dataset.attempt) === attempt && isLive(element);
    const text = isSame ? element.querySelector("[data-chat-text]").textContent : "";
    const thinking = isSame ? element.querySelector("[data-chat-thinking]").textContent : "";
    return { attempt, text, length: count(text), thinking, thinkingLength: count(thinking) };
  }

  /** Add what is new of a text that begins at an offset; false where something is missing between. */
  function grow(answer, name, lengthName, offset, text) {
    const known = answer[lengthName];
    if (offset > known) return false;
    const characters = Array.from(text);
    const fresh = characters.slice(known - offset);
    answer[name] += fresh.join("");
    answer[lengthName] += fresh.length;
    return true;
  }

  function hearDelta(data) {
    let answer = answers.get(data.message);
    if (answer && data.attempt < answer.attempt) return;
    if (!answer || data.attempt > answer.attempt) answers.set(data.message, (answer = seeded(data.message, data.attempt)));
    const isWhole = grow(answer, "thinking", "thinkingLength", data.thinking_offset, data.thinking)
      & grow(answer, "text", "length", data.offset, data.text);
    if (typeof data.tokens === "number") Object.assign(answer, { tokens: data.tokens, seconds: data.seconds });
    if (!isWhole) return askAgain(data.message);
    show(data.message);
  }

  /** Something was missed: the row has it by now, or in a moment. */
  function askAgain(id) {
    const now = performance.now();
    if (now - (asked.get(id) ?? -AGAIN_MS) < AGAIN_MS) return;
    asked.set(id, now);
    answers.delete(id);
    article(id)?.dispatchEvent(new CustomEvent("live:refresh", { bubbles: false }));
  }

  function write(place, text) {
    const shown = place.textContent;
    if (text === shown) return;
    if (shown && text.startsWith(shown)) place.append(text.slice(shown.length));
    else place.textContent = text;
  }

  function show(id) {
    const element = article(id);
    const answer = answers.get(id);
    if (!element || !answer || !isLive(element)) return;
    const isAtEnd = atEnd();
    element.dataset.attempt = answer.attempt;
    element.dataset.state = "streaming";
    write(element.querySelector("[data-chat-text]"), answer.text);
    const box = element.querySelector("[data-chat-thinking-box]");
    if (answer.thinking) box.hidden = false;
    write(element.querySelector("[data-chat-thinking]"), answer.thinking);
    const pace = element.querySelector("[data-chat-pace]");
    const rate = answer.seconds > 0.5 ? (answer.tokens / answer.seconds).toFixed(1) : "";
    if (pace && rate) pace.textContent = pace.dataset.text.replace("$tokens", answer.tokens).replace("$rate", rate);
    if (isAtEnd) toEnd();
  }

  // --- where the reader is --------------------------------------------------------------------------

  function atEnd() {
    const place = transcript();
    return place.scrollHeight - place.scrollTop - place.clientHeight < NEAR;
  }

  function toEnd() {
    const place = transcript();
    place.scrollTop = place.scrollHeight;
  }

  // --- what the server says -------------------------------------------------------------------------

  /** The newest message, and whether it is under way, are what the server says they are. */
  function hearChat(data) {
    const shown = [...transcript().querySelectorAll("article[data-message]")].at(-1);
    if (data.answering) hearDelta(data.answering);
    if (data.last && Number(shown?.dataset.message) !== data.last) return refresh(transcript());
    if (shown && isLive(shown) && !LIVE.includes(data.last_state)) refresh(shown);
  }

  const refresh = (element) => element.dispatchEvent(new CustomEvent("live:refresh", { bubbles: false }));

  document.addEventListener("panel:event", ({ detail }) => {
    const place = transcript();
    if (!place || detail.subject !== `chat:${place.dataset.chat}` || !detail.data) return;
    if (detail.type === "chat.delta") hearDelta(detail.data);
    else if (detail.type === "chat.removed") location.assign(place.dataset.chatUrl);
    else if (detail.type === "chat.changed" || detail.type === "snapshot") hearChat(detail.data);
  });

  // --- swaps ----------------------------------------------------------------------------------------

  let wasAtEnd = true;
  let height = 0;
  const turning = new Set(); // pressed buttons that bring another version of a message
  let toldTurned = ""; // what the last request for the transcript has said of these

  const turnedTo = () => [...transcript().querySelectorAll("[data-version]")].map((one) => one.dataset.version).join();

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (!transcript() || detail.elt !== transcript()) return;
    toldTurned = turnedTo();
    if (toldTurned) detail.parameters.turned_to = toldTurned;
  });
  document.addEventListener("htmx:beforeSend", ({ detail }) => {
    if (detail.elt.closest(".oc-versions")) turning.add(detail.elt);
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => turning.delete(detail.requestConfig?.elt));

  /** Whether what comes was asked for before the reader turned to another version. */
  function isOutdated({ target, requestConfig }) {
    if (requestConfig.elt !== target) return false;
    if ([...turning].some((button) => target.contains(button))) return true;
    return target === transcript() && toldTurned !== turnedTo();
  }

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (!transcript()?.contains(detail.target)) return;
    if (isOutdated(detail)) {
      detail.shouldSwap = false;
      return refresh(detail.target);
    }
    wasAtEnd = atEnd();
    height = detail.target.id === "chat-older" ? transcript().scrollHeight : 0;
  });

  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    const place = transcript();
    if (!place) return;
    prepare(place);
    for (const id of answers.keys()) {
      const element = article(id);
      if (!element) continue;
      if (isLive(element)) show(id);
      else ended(id, element);
    }
    tellBeginning();
    if (height) place.scrollTop += place.scrollHeight - height;
    else if (wasAtEnd || detail.requestConfig?.elt.matches?.("[data-chat-form]")) toEnd();
    height = 0;
  });

  let told = null;
  function tellBeginning() {
    const live = [...transcript().querySelectorAll("article[data-message]")].filter(isLive).at(-1);
    if (!live || told === live.dataset.message) return;
    told = live.dataset.message;
    say(document.getElementById("chat-status").dataset.textBegun);
  }

  function ended(id, element) {
    answers.delete(id);
    const { textDone, textEnded } = document.getElementById("chat-status").dataset;
    const text = element.querySelector("[data-chat-done]")?.textContent.trim() || "";
    const isDone = element.dataset.state === "complete";
    say(isDone ? `${textDone} ${text.length > SPOKEN ? `${text.slice(0, SPOKEN)} …` : text}` : textEnded);
  }

  function say(text) {
    document.getElementById("chat-status").textContent = text;
  }

  /** Code gets a button that copies it. */
  function prepare(root) {
    for (const block of root.querySelectorAll(".oc-md pre:not([data-ready])")) {
      block.dataset.ready = "";
      block.tabIndex = 0;
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "oc-icon-button oc-code-copy", title: transcript().dataset.textCopy });
      button.setAttribute("aria-label", transcript().dataset.textCopy);
      button.dataset.copy = block.textContent;
      const icon = document.createElement("span");
      Object.assign(icon, { className: "material-symbols-outlined", textContent: "content_copy" });
      icon.setAttribute("aria-hidden", "true");
      button.append(icon);
      const frame = document.createElement("div");
      frame.className = "oc-code";
      block.replaceWith(frame);
      frame.append(block, button);
    }
  }

  // --- typing ---------------------------------------------------------------------------------------

  const MOST_RECALLED = 100;
  const sent = [];
  let at = 0;

  /** What was sent in this chat, the newest last: what is on the page, and what this page sent. */
  function recalled() {
    const shown = [...(transcript()?.querySelectorAll("article[data-role=user] > .oc-plain-text") || [])];
    return [...new Set([...shown.map((one) => one.textContent), ...sent])].slice(-MOST_RECALLED);
  }

  function recall(field, step) {
    const lines = recalled();
    if (at > lines.length) at = lines.length;
    const next = Math.min(lines.length, Math.max(0, at + step));
    if (next === at) return false;
    at = next;
    field.value = lines[at] ?? "";
    field.setSelectionRange(field.value.length, field.value.length);
    return true;
  }

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("[data-chat-input]");
    if (event.key === "Escape" && transcript() && !document.querySelector("dialog[open]")) {
      return document.querySelector("[data-chat-stop]")?.click();
    }
    if (!field || event.isComposing) return; // Enter ends what an input method composes
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (field.value.trim()) field.form.requestSubmit();
    } else if (event.key === "ArrowUp" && !field.value.slice(0, field.selectionStart).includes("\n")) {
      if (field.value === "") at = recalled().length;
      if ((field.value === "" || at < recalled().length) && recall(field, -1)) event.preventDefault();
    } else if (event.key === "ArrowDown" && at < recalled().length && !field.value.slice(field.selectionEnd).includes("\n")) {
      if (recall(field, 1)) event.preventDefault();
    }
  });

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const form = detail.elt.closest?.("[data-chat-clears]");
    if (!form || detail.elt !== form || !detail.successful) return;
    const field = form.querySelector("[data-chat-input]");
    sent.push(field.value);
    field.value = "";
    at = recalled().length;
    if (detail.target?.id !== "chat-said") document.getElementById("chat-said").replaceChildren();
    field.focus();
  });

  function start() {
    const place = transcript();
    if (!place) return;
    prepare(place);
    toEnd();
    const live = [...place.querySelectorAll("article[data-message]")].filter(isLive).at(-1);
    told = live?.dataset.message ?? null;
    at = recalled().length;
    if (window.matchMedia("(max-width: 1100px)").matches) document.querySelector(".oc-chat-others")?.removeAttribute("open");
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
