/*
 * What pages do beside live events: dialog, toasts, focus, copying.
 *
 * Bound by attributes, so that whole pages and swapped fragments are alike:
 *   [data-toast]              a toast that the server rendered; [data-toast-key] shows only once
 *   [data-toast-close]        closes its toast
 *   [data-dialog-close]       closes the dialog; on a page of its own it is a link back
 *   [data-opens-dialog]       a form whose answer is shown in the dialog
 *   [data-dialog-done]        a form in the dialog: when it is answered, the dialog closes
 *   [data-when="field=a b"]   shown only while that field of its form has one of the values
 *   [data-copy="text"]        a button: copies the text
 *   [data-toggle="field=value"]  a link: switches that value of a field of the form with the id
 *                             [data-toggle-form] on or off, as if it had been done in the field
 *   [data-go="url"]           leads there at once, without a place in the history to come back to
 * The event `panel:toast` {message, level} comes from the server in HX-Trigger.
 */
(() => {
  "use strict";

  const TOAST_MS = 6000;
  const DIALOG_BODY = "oc-dialog-body";
  const texts = () => document.getElementById("oc-texts").dataset;
  const dialog = () => document.getElementById("oc-dialog");
  const all = (root, selector) => [
    ...(root.matches?.(selector) ? [root] : []),
    ...root.querySelectorAll(selector),
  ];

  // --- toasts ----------------------------------------------------------------------------------

  function toast(message, level) {
    const box = document.getElementById("oc-toast");
    const shown = box.content.firstElementChild.cloneNode(true);
    shown.querySelector(".oc-toast-text").textContent = message;
    shown.dataset.level = level || "info";
    if (level === "error") shown.setAttribute("role", "alert");
    const list = document.getElementById("oc-toasts");
    list.append(shown);
    keepOnTop(list);
    leaveLater(shown);
  }

  // A modal dialog covers all else but what is shown after it as a popover.
  function keepOnTop(list) {
    if (!list.showPopover) return;
    list.popover = "manual";
    if (list.matches(":popover-open")) list.hidePopover();
    list.showPopover();
  }

  function leaveLater(shown) {
    if (shown.dataset.level === "error" || shown.dataset.level === "warning") return;
    let timer = setTimeout(() => shown.remove(), TOAST_MS);
    shown.addEventListener("pointerenter", () => clearTimeout(timer));
    shown.addEventListener("pointerleave", () => {
      timer = setTimeout(() => shown.remove(), TOAST_MS / 2);
    });
  }

  function adoptToast(shown) {
    const key = shown.dataset.toastKey;
    if (key) {
      document.querySelectorAll(`[data-toast-key="${key}"]`).forEach((other) => {
        if (other !== shown) other.remove();
      });
    }
    keepOnTop(document.getElementById("oc-toasts"));
    leaveLater(shown);
  }

  document.addEventListener("panel:toast", (event) => toast(event.detail.message, event.detail.level));
  document.addEventListener("panel:notice", (event) => {
    // The end of this user's own task: the server says it in the page's language.
    if (document.visibilityState !== "visible" || !window.htmx) return;
    const url = texts().noticeUrl.replace("/0/", `/${Number(event.detail.task)}/`);
    window.htmx.ajax("GET", url, { swap: "none" });
  });

  // --- htmx ------------------------------------------------------------------------------------

  function cookie(name) {
    const prefix = `${name}=`;
    const found = document.cookie.split("; ").find((part) => part.startsWith(prefix));
    return found ? decodeURIComponent(found.slice(prefix.length)) : "";
  }

  document.addEventListener("htmx:configRequest", (event) => {
    // Read anew each time: a login in another tab changes it.
    if (event.detail.verb !== "get") {
      event.detail.headers["X-CSRFToken"] = cookie(texts().csrfCookie);
    }
  });

  document.addEventListener("htmx:sendError", () => toast(texts().textNoAnswer, "error"));
  document.addEventListener("htmx:timeout", () => toast(texts().textNoAnswer, "error"));
  document.addEventListener("htmx:responseError", () => toast(texts().textFailed, "error"));

  // --- dialog ----------------------------------------------------------------------------------

  const FIELD = "input:not([type=hidden], [type=checkbox]), select, textarea";
  const FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  let opener = null;

  const isShown = (element) => element.offsetParent !== null && !element.disabled;

  /** Where to begin: what is wrong, what asks for it, the first field, else the first button. */
  function focusFirst(form) {
    for (const selector of ["[aria-invalid=true]", "[autofocus]", FIELD, "button"]) {
      const place = [...form.querySelectorAll(selector)].find(isShown);
      if (place) return place.focus();
    }
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    const { target, requestConfig } = event.detail;
    if (!requestConfig || !target.isConnected) return;
    if (target.id === DIALOG_BODY && !dialog().open) {
      if (requestConfig.verb === "get" || requestConfig.elt.matches("[data-opens-dialog]")) openDialog(target, requestConfig.elt);
    } else if (requestConfig.verb !== "get" && target.matches(".oc-form-box")) {
      focusFirst(target); // the form came back with what is wrong
    }
  });

  function openDialog(body, asked) {
    const place = asked.closest("[data-live-refresh][id], [data-live-list][id]");
    opener = { element: asked, id: asked.id, place: place?.id };
    dialog().showModal();
    focusFirst(body);
    // Its buttons are in sight wherever it stands: a long text is read from its beginning.
    if (document.activeElement?.closest(".oc-dialog-foot")) dialog().scrollTop = 0;
  }

  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.closest?.("[data-dialog-done]") && event.detail.xhr?.status) {
      dialog().close();
    }
  });

  /** Back to what opened it, or what has taken its place; a row may have been swapped since. */
  function emptyDialog() {
    document.getElementById(DIALOG_BODY).replaceChildren();
    const { element, id, place } = opener || {};
    opener = null;
    const again = element?.isConnected ? element : id && document.getElementById(id);
    const near = place && document.getElementById(place)?.querySelector("a[href], button:not([disabled])");
    (again || near || document.querySelector("#content a[href], #content button:not([disabled])"))?.focus();
  }

  /** Nothing behind the dialog takes the focus, nor does the window's own frame. */
  function stayInside(event) {
    if (event.key !== "Tab") return;
    const places = [...dialog().querySelectorAll(FOCUSABLE)].filter((place) => isShown(place) && place.tabIndex >= 0);
    const at = places.indexOf(document.activeElement);
    const isAtEnd = event.shiftKey ? at <= 0 : at === places.length - 1;
    if (!isAtEnd || !places.length) return;
    event.preventDefault();
    places.at(event.shiftKey ? -1 : 0).focus();
  }

  // --- focus over swaps ------------------------------------------------------------------------

  let focused = null;
  let lately = null; // what had the focus last

  document.addEventListener("focusin", (event) => { lately = event.target; });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig } = event.detail;
    // A button that waits for its answer is disabled, and has lost the focus by that.
    const asked = requestConfig?.elt;
    // Its row may be swapped by what comes live before that answer.
    const waiting = lately?.disabled ? lately : asked?.matches("button, a") ? asked : document.body;
    const active = document.activeElement === document.body ? waiting : document.activeElement;
    const list = target.parentElement?.closest("[data-live-list][id]")?.id;
    // Another part that is swapped meanwhile leaves what is still to be restored.
    if (target.id && target.contains(active)) focused = { id: active.id, target: target.id, list };
  });

  /** The same element as before; where it is gone, the next button, else the first link. */
  function restoreFocus() {
    if (document.activeElement && document.activeElement !== document.body) focused = null;
    if (!focused) return;
    const swapped = document.getElementById(focused.target) || document.getElementById(focused.list);
    const place = (focused.id && document.getElementById(focused.id))
      || swapped?.querySelector(".oc-buttons button:not([disabled])")
      || swapped?.querySelector("a[href], button:not([disabled])");
    place?.focus({ preventScroll: true });
    focused = null;
  }

  document.addEventListener("htmx:afterSettle", restoreFocus);
  // A row that was swapped for nothing settles nothing.
  document.addEventListener("htmx:afterRequest", () => {
    if (focused && !document.getElementById(focused.target)) restoreFocus();
  });

  // --- small things ----------------------------------------------------------------------------

  function showWhen(form) {
    all(form, "[data-when]").forEach((part) => {
      const [name, values] = part.dataset.when.split("=");
      part.hidden = !values.split(" ").includes(form.elements[name]?.value);
    });
  }

  /** The shell's own switches are no buttons: give them what keyboards and readers need. */
  const SWITCHES = "span, div, a:not([href])";

  function mendSwitches() {
    all(document.body, SWITCHES).filter((element) => element.hasAttribute("x-on:click")).forEach((element) => {
      element.tabIndex = 0;
      element.setAttribute("role", "button");
      if (!element.textContent.trim().includes(" ") && element.matches(".material-symbols-outlined")) {
        element.setAttribute("aria-label", texts().textMenu);
      }
      element.addEventListener("keydown", pressed);
    });
  }

  /** What assistive technology misses in the shell: landmarks, labels, and roles that carry names. */
  function mendShell() {
    document.getElementById("main")?.setAttribute("role", "main");
    document.querySelector("#nav-sidebar-apps [role=region]")?.setAttribute("aria-label", texts().textMenu);
    document.querySelectorAll(".help-tooltip[aria-label]").forEach((help) => help.setAttribute("role", "img"));
  }

  function pressed(event) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.currentTarget.click();
  }

  function prepare(root) {
    all(root, "[data-toast]").forEach(adoptToast);
    all(root, "[data-when]").forEach((part) => part.closest("form") && showWhen(part.closest("form")));
    all(root, "a[role=button]").forEach((link) => link.addEventListener("keydown", pressed));
    all(root, "[data-go]").forEach((place) => goTo(place.dataset.go));
    all(root, "[data-live-log]").forEach((log) => { log.scrollTop = log.scrollHeight; });
  }

  /** Who goes back is not led there again. */
  function goTo(url) {
    if (/^https?:\/\//.test(url)) window.location.replace(url);
  }

  /** Over plain http browsers have no clipboard for pages; the old way still works there. */
  async function copyText(button) {
    const text = button.dataset.copy;
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
    button.after(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    button.focus();
    if (!isCopied) throw new Error("not copied");
  }

  /** Whether the form has the field; without it the link is followed. */
  function toggle(link) {
    const [name, value] = link.dataset.toggle.split("=");
    const field = document.getElementById(link.dataset.toggleForm)?.elements[name];
    const option = [...(field?.options || [])].find((each) => each.value === value);
    if (!option) return false;
    if (field.multiple) option.selected = !option.selected;
    else field.value = field.value === value ? "" : value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    return true;
  }

  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (form?.querySelector("[data-when]")) showWhen(form);
  });

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest?.(selector);
    if (at("[data-toast-close]")) at(".oc-toast").remove();
    if (dialog().contains(at("[data-dialog-close]"))) { // outside it is a link back
      event.preventDefault();
      dialog().close();
    }
    if (event.target === dialog()) dialog().close(); // the backdrop
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (at("[data-toggle]") && isPlain && toggle(at("[data-toggle]"))) event.preventDefault();
    const copy = at("[data-copy]");
    if (copy) {
      copyText(copy).then(() => toast(texts().textCopied, "success"), () => toast(texts().textNotCopied, "error"));
    }
  });

  document.addEventListener("DOMContentLoaded", () => {
    dialog().addEventListener("close", emptyDialog);
    dialog().addEventListener("keydown", stayInside);
    mendSwitches();
    mendShell();
    prepare(document.body);
    document.body.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
  });

  window.addEventListener("load", () => setTimeout(mendShell)); // some of it is built by then only
})();
