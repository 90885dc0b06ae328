/*
 * Live events in the page: one socket, one small script, no framework.
 *
 * The markup says what it wants through attributes; whole pages and fragments that htmx swaps in
 * are treated alike.
 *
 * <html>
 *   data-live="connected|reconnecting|offline|login"   set by this script
 *   data-stale          there while what is shown may be old: grey out what moves
 *   lang                the language in which numbers are written
 *
 * [data-live-pill]      says how the connection stands; without one (login page) nothing connects
 *   data-state          connected|reconnecting|offline|login, set by this script
 *   data-text-connected, data-text-reconnecting, data-text-offline, data-text-login
 *                       the words for each state; they go into the child [data-live-pill-text],
 *                       else they are the pill's text
 *   <a data-live-login href="/login/" hidden>   a child, shown in the state "login" only; its
 *                       `next` is set to the present page
 *   data-socket         the socket's path, "/ws/v1/events/" when left out
 *
 * [data-live-topics="models task:9"]   topics to hear while the element is on the page
 *
 * [data-live="task:9"], [data-live="model:7"], [data-live="server:1"]
 *   its descendants are patched with the newest numbers of that subject; the progress of a task
 *   patches the element of its resource too (`model:7` for a pull of model 7):
 *   [data-field="done|total|percent|rate|eta|phase|state|status|message|size|version|latency_ms"]
 *                       text; empty where the number is not known
 *   [data-field="phase"], [data-field="state"], [data-field="status"]
 *                       hold `data-text-<value>="translated word"` for each value, as
 *                       data-text-downloading; a value without one leaves the text as it is
 *   <progress data-field="bar">   value and max; without a value while the total is not known
 *   data-value on a [data-field] keeps the plain value for CSS: [data-field="status"][data-value="error"]
 *   Inside it, an element [data-live="…"] of another subject keeps to its own subject.
 *
 * [data-live-refresh="model:7"]   on `<type>.changed` and `<type>.removed` of that subject (and on
 *   `task.changed` of a task whose resource it is) the element gets the event `live:refresh`:
 *   hx-get="…" hx-trigger="live:refresh" hx-swap="outerHTML". Several subjects: separated by spaces.
 * [data-live-list="models"]   the same for a list: on `.changed` of a subject that has no element
 *   [data-live-refresh] on the page, and on `.removed`. Several topics: separated by spaces
 *   (models, tasks, servers). With data-live-every, on every change (counters, summaries).
 *   Both after 0–300 ms, several events in one request; both once after each reconnect.
 *
 * [data-live-log="task:9"]   a log that grows: `task.log` appends to its text
 *   data-offset         bytes shown so far (where the next event's text begins)
 *   data-log-url        answers text from `?offset=`; asked for when an event leaves a gap
 *   data-follow         scroll to the end as it grows, unless the reader has scrolled up
 *
 * Events on `document`: `panel:notice` (detail: the notice's data), `panel:live` (detail: {state}),
 * `panel:event` (detail: the whole message, after the page has been patched).
 */
