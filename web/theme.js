// SPDX-License-Identifier: Apache-2.0
// Puts the remembered theme on the page before anything is drawn. The toggle itself is in theme_toggle.js.
'use strict';

try {
  const remembered = localStorage.getItem('theme');
  if (remembered === 'light' || remembered === 'dark') document.documentElement.dataset.theme = remembered;
} catch {
  // Storage is switched off: the system's theme it is.
}
