import type { Attachment } from 'svelte/attachments';

/** Moves the focus to the heading of a new screen, so that a screen reader says where one is. */
export const announce: Attachment<HTMLElement> = (heading) => {
  // On the first load the browser itself announces the page.
  if (document.activeElement && document.activeElement !== document.body) return;
  if (performance.now() > 3000) heading.focus({ preventScroll: true });
};
