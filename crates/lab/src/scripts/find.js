// arguments: role, accessible name. Returns the visible element, or null.
const [role, name] = arguments;
const selectors = {
  button: 'button, [role=button], input[type=button], input[type=submit]',
  link: 'a[href], [role=link]',
  textbox: 'input:not([type]), input[type=text], input[type=search], textarea, [role=textbox]',
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
return (
  [...document.querySelectorAll(selectors[role])].find(
    (element) => nameOf(element) === name && element.checkVisibility({ visibilityProperty: true }) && !element.disabled,
  ) ?? null
);
