// SPDX-License-Identifier: Apache-2.0
// The list of conversations at phone width: a drawer over the page. On a wide screen it stands beside the page and none
// of this has an effect.

export class Drawer {
  #parts;
  #narrow = matchMedia('(max-width: 760px)');

  // parts: {drawer, page, backdrop, open, close}
  constructor(parts) {
    this.#parts = parts;
    parts.open.addEventListener('click', () => this.open());
    parts.close.addEventListener('click', () => this.close());
    parts.backdrop.addEventListener('click', () => this.close());
    parts.drawer.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.close();
    });
    this.#narrow.addEventListener('change', () => this.close({focus: false}));
  }

  get isOpen() {
    return document.body.classList.contains('drawer-is-open');
  }

  open() {
    if (!this.#narrow.matches) return;
    this.#set(true);
    this.#parts.close.focus();
  }

  close({focus = true} = {}) {
    if (!this.isOpen) return;
    this.#set(false);
    if (focus) this.#parts.open.focus();
  }

  #set(isOpen) {
    document.body.classList.toggle('drawer-is-open', isOpen);
    this.#parts.page.inert = isOpen;
    this.#parts.open.setAttribute('aria-expanded', String(isOpen));
  }
}
