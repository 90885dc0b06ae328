/*
 * What is asked of a list: by the form #filters, by the heads of its columns, by its page links.
 *
 *   #oc-list                the list; what is asked of it is a GET with it as the target
 *   #filters                the form with its filters, where it has one
 *   <a hx-get="?…">         inside the list: an order or a page of it
 *   data-error-of="id"      what is wrong with a field of the form, empty where nothing is; it comes with
 *                           each list, while the field itself stays
 *
 * Whichever answer comes first, the list that was asked for last is the one that is shown. It is one
 * with all that was asked: a link carries what has been typed since it was rendered, the form the
 * order of a link that is not answered yet.
 */
(() => {
  "use strict";

  const LIST = "oc-list";
  const FORM = "filters";
  const touched = new Set(); // names of the fields that somebody has changed
  let newest = null; // the request that was sent last
  let ordering = null; // what a link asked for, until the list has it

  const isOfList = (config) => config.verb === "get" && config.target.id === LIST && window.ollamactl.isAsked(config);

  for (const name of ["input", "change"]) {
    document.addEventListener(name, ({ target }) => {
      if (target.form?.id === FORM) touched.add(target.name);
    });
  }

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (!isOfList(detail)) return;
    if (detail.elt.matches("a")) detail.path = withForm(detail.path);
    else if (ordering) detail.parameters.ordering = ordering;
  });

  /** The link's address with the form's filters of now: of another list than its own the first page. */
  function withForm(address) {
    const [path, text] = address.split("?");
    const query = new URLSearchParams(text);
    ordering = query.get("ordering");
    const form = document.getElementById(FORM);
    const data = form && new FormData(form);
    const given = (values) => values.filter((value) => value.trim());
    for (const name of form ? touched : []) {
      const values = given(data.getAll(name));
      if (values.join("\n") === given(query.getAll(name)).join("\n")) continue;
      query.delete(name);
      values.forEach((value) => query.append(name, value));
      query.delete("page");
    }
    return `${path}?${query}`;
  }

  document.addEventListener("htmx:beforeSend", ({ detail: { xhr, requestConfig } }) => {
    if (!isOfList(requestConfig)) return;
    newest = xhr;
    // On the element itself: what came live may have taken its place.
    requestConfig.elt.addEventListener("htmx:beforeOnLoad", dropOlder);
    requestConfig.elt.addEventListener("htmx:afterRequest", end);
  });

  function dropOlder(event) {
    const { xhr, requestConfig } = event.detail;
    if (isOfList(requestConfig) && xhr !== newest) event.preventDefault();
  }

  document.addEventListener("htmx:afterSwap", ({ target }) => {
    if (target.id !== LIST) return;
    for (const error of document.querySelectorAll("[data-error-of]")) {
      const field = document.getElementById(error.dataset.errorOf);
      if (error.textContent.trim()) field?.setAttribute("aria-invalid", "true");
      else field?.removeAttribute("aria-invalid");
    }
  });

  function end({ detail }) {
    if (detail.xhr === newest) ordering = null;
  }
})();
