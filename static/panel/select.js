/*
 * Choosing rows of a list for one operation on all of them.
 *
 *   <form data-select id="batch">   the bar with the operations; its rows' boxes have form="batch"
 *     data-text-selected            "{count} selected"
 *     data-text-unseen              "{count} of them not in sight"
 *     data-count                    how many are chosen, set by this script
 *   inside it: [data-select-page]   a box: all rows that are shown
 *              [data-select-text]   says how many are chosen
 *              [data-select-all]    a button: all that match the filter, on every page
 *              [data-select-none]   a button: none any more
 *              [data-select-drop]   a button: none any more of those that have no row here
 *              [name=filter]        the filter as a query string, sent where all that match are meant
 *   <input type="checkbox" data-select-row value="7">   a row's box
 *   [data-select-query][data-select-total]   the list: its filter, and how many rows match it
 *
 * What is chosen stays so when rows and lists are swapped and on other pages of the list, until the
 * filter changes. A row that is removed is chosen no more. How many are chosen that have no row here,
 * as they are on other pages or match no more by now, is said beside the count.
 */
(() => {
  "use strict";

  const numbers = new Intl.NumberFormat(document.documentElement.lang || "en");
  const chosen = new Set();
  let everything = false; // all that match, seen or not
  let query = null;

  const bar = () => document.querySelector("form[data-select]");
  const list = () => document.querySelector("[data-select-query]");
  const rows = () => [...document.querySelectorAll("[data-select-row]")];

  function clear() {
    chosen.clear();
    everything = false;
  }

  function unseen(boxes) {
    const here = new Set(boxes.map((box) => box.value));
    return [...chosen].filter((value) => !here.has(value));
  }

  function words(form, count, hidden) {
    const { textSelected, textUnseen } = form.dataset;
    if (!count) return "";
    const selected = textSelected.replace("{count}", numbers.format(count));
    return hidden ? `${selected} · ${textUnseen.replace("{count}", numbers.format(hidden))}` : selected;
  }

  function show() {
    const form = bar();
    if (!form) return;
    const total = Number(list()?.dataset.selectTotal || 0);
    const boxes = rows();
    for (const box of boxes) box.checked = everything || chosen.has(box.value);
    const count = everything ? total : chosen.size;
    const marked = boxes.filter((box) => box.checked).length;
    form.dataset.count = count;
    const hidden = everything ? 0 : unseen(boxes).length;
    form.querySelector("[data-select-text]").textContent = words(form, count, hidden);
    form.querySelector("[data-select-drop]").hidden = !hidden;
    const page = form.querySelector("[data-select-page]");
    page.disabled = boxes.length === 0;
    page.checked = boxes.length > 0 && marked === boxes.length;
    page.indeterminate = marked > 0 && marked < boxes.length;
    const all = form.querySelector("[data-select-all]");
    all.hidden = everything || !page.checked || total <= chosen.size;
    all.textContent = all.dataset.text.replace("{count}", numbers.format(total));
    form.elements.filter.disabled = !everything;
    form.elements.filter.value = list()?.dataset.selectQuery || "";
  }

  /** Choosing single rows after "all that match" means those that are shown, but for these. */
  function choose(boxes, isChosen) {
    if (everything) {
      clear();
      for (const box of rows()) chosen.add(box.value);
    }
    for (const box of boxes) {
      if (isChosen) chosen.add(box.value);
      else chosen.delete(box.value);
    }
    show();
  }

  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-select-row]")) choose([target], target.checked);
    if (target.matches("[data-select-page]")) choose(rows(), target.checked);
  });

  document.addEventListener("click", ({ target }) => {
    if (target.closest?.("[data-select-all]")) everything = true;
    else if (target.closest?.("[data-select-none]")) clear();
    else if (target.closest?.("[data-select-drop]")) unseen(rows()).forEach((one) => chosen.delete(one));
    else return;
    show();
    bar().querySelector("[data-select-page]").focus();
  });

  document.addEventListener("panel:event", ({ detail }) => {
    if (detail.type === "model.removed" && chosen.delete(String(detail.data.id))) show();
  });

  // Rows of other pages have no box here.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (!detail.elt.matches("form[data-select]")) return;
    delete detail.parameters.ids;
    if (!everything) detail.parameters.ids = [...chosen].join(",");
  });

  function adopt() {
    const now = list()?.dataset.selectQuery ?? null;
    if (query !== null && now !== null && now !== query) clear();
    query = now ?? query;
    show();
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const box of rows()) if (box.checked) chosen.add(box.value); // as the browser remembers
    adopt();
    document.body.addEventListener("htmx:load", adopt);
  });
})();
