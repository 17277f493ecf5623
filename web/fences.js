// SPDX-License-Identifier: Apache-2.0
// Takes a text apart into prose and fenced code blocks, as CommonMark has them (spec.commonmark.org/0.31.2, 4.5),
// without those inside lists and quotes: the rules by which the service finds the code it runs. Draws nothing.

function readFence(line) {
  const [, indent, marks, rest] = /^( {0,3})(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
  // A backtick fence with backticks behind it is inline code.
  if (marks === undefined || (marks[0] === '`' && rest.includes('`'))) return null;
  return {indent: indent.length, mark: marks[0], length: marks.length, rest: rest.trim()};
}

function closes(line, opening) {
  const fence = readFence(line);
  return fence !== null && fence.mark === opening.mark && fence.length >= opening.length && fence.rest === '';
}

function outdented(line, indent) {
  return line.slice(Math.min(indent, line.search(/[^ ]|$/)));
}

// [{isCode, language, text}] in order. Empty lines around a block belong to neither side; a block whose closing fence
// is missing, or has not arrived yet, goes to the end.
export function splitFences(text) {
  if (!text.includes('```') && !text.includes('~~~')) return [{isCode: false, language: '', text}];
  const parts = [];
  let lines = [];
  let opening = null;
  const end = (isLast) => {
    let text = lines.join('\n');
    lines = [];
    if (opening) {
      parts.push({isCode: true, language: opening.rest.split(/[ \t{,]/)[0], text});
      return;
    }
    if (parts.length > 0) text = text.replace(/^([ \t\r]*\n)+/, '');
    if (!isLast) text = text.trimEnd();
    if (text.trim() !== '') parts.push({isCode: false, language: '', text});
  };
  for (const raw of text.split('\n')) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    const fence = opening ? null : readFence(line);
    if (opening ? closes(line, opening) : fence) {
      end(false);
      opening = fence;
    } else {
      lines.push(opening ? outdented(line, opening.indent) : raw);
    }
  }
  end(true);
  return parts;
}
