// arguments: role, accessible name, name of the row it is in (null: anywhere). Returns the visible
// element, or null.
const [role, name, row] = arguments;
const selectors = {
  button: 'button, [role=button], input[type=button], input[type=submit]',
  link: 'a[href], [role=link]',
  // A field for a password has no role, but people take it for one like the others.
  textbox:
    'input:not([type]), input[type=text], input[type=search], input[type=url], input[type=password], textarea, [role=textbox]',
  alertdialog: '[role=alertdialog]',
};
const text = (node) => (node?.textContent ?? '').replace(/\s+/g, ' ').trim();
const nameOf = (element) => {
  const by = element.getAttribute('aria-labelledby');
  if (by) return by.split(/\s+/).map((id) => text(document.getElementById(id))).join(' ');
  return (
    element.getAttribute('aria-label')?.trim() ||
    (element.labels?.length ? [...element.labels].map(text).join(' ') : '') ||
    text(element) ||
    element.getAttribute('title') ||
    element.getAttribute('placeholder') ||
    ''
  );
};
const inRow = (element) => !row || [...document.querySelectorAll('li')].some((li) => li.contains(element) && rowName(li) === row);
const rowName = (li) => (li.hasAttribute('aria-labelledby') ? nameOf(li) : text(li.querySelector('strong')));
return (
  [...document.querySelectorAll(selectors[role])].find(
    (element) =>
      nameOf(element) === name &&
      inRow(element) &&
      element.checkVisibility({ visibilityProperty: true }) &&
      !element.disabled,
  ) ?? null
);
