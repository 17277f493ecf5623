// SPDX-License-Identifier: Apache-2.0
// The button between light and dark. Until it is pressed the page follows the system.

const systemDark = matchMedia('(prefers-color-scheme: dark)');

function current() {
  return document.documentElement.dataset.theme ?? (systemDark.matches ? 'dark' : 'light');
}

export function attachThemeToggle(button) {
  const show = () => {
    const next = current() === 'dark' ? 'light' : 'dark';
    button.setAttribute('aria-label', `Switch to ${next} colours`);
    button.title = `Switch to ${next} colours`;
  };
  button.addEventListener('click', () => {
    const next = current() === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem('theme', next);
    } catch {
      // Not remembered then; this page has it.
    }
    show();
  });
  systemDark.addEventListener('change', show);
  show();
}
