// SPDX-License-Identifier: Apache-2.0
// Makes elements. Text goes in as text, never as HTML.

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  const {aria = {}, data = {}, ...plain} = properties;
  Object.assign(element, plain);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, value);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

export function makeIcon(path) {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(namespace, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

// Changes a text node as little as possible: a growing answer is appended to.
export function setText(node, text) {
  if (node.data === text) return;
  if (node.data !== '' && text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
  else node.data = text;
}
