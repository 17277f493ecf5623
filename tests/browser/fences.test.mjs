// SPDX-License-Identifier: Apache-2.0
// Which parts of a text are code. The cases are those of tests/unit/chat/fenced_code_test.cpp, and the prose around.
import assert from 'node:assert/strict';
import {suite, test} from './suite.mjs';
import {splitFences} from '../../web/fences.js';

// Prose as it is, code as [language, text].
const partsOf = (text) => splitFences(text).map((part) => part.isCode ? [part.language, part.text] : part.text);

suite('the code in a text', () => {
  test('is found between its fences, and what is around stays prose', () => {
    assert.deepEqual(partsOf('Run this:\n\n```python3\nprint(1)\n```\n\nplease'),
      ['Run this:', ['python3', 'print(1)'], 'please']);
    assert.deepEqual(partsOf('~~~ Bash\necho a\n~~~'), [['Bash', 'echo a']]);
    assert.deepEqual(partsOf('```\r\nx\r\n```\r\n'), [['', 'x']]);
    assert.deepEqual(partsOf('```sh\n1\n```\n```py\n2\n```'), [['sh', '1'], ['py', '2']]);
  });

  test('is not found where there is none, and the prose is left as it was written', () => {
    for (const text of ['', '\n a \n', '``not three``', '```inline``` code', '    ```\n    by four\n    ```',
      'see ```bash in the middle of a line', 'a\n\n\nb ~~~ c\n']) {
      assert.deepEqual(partsOf(text), [text]);
    }
  });

  test('may hold shorter and other fences', () => {
    assert.deepEqual(partsOf('````md\n```\n~~~~\n````'), [['md', '```\n~~~~']]);
    assert.deepEqual(partsOf('```\n``` not a close\n```'), [['', '``` not a close']]);
  });

  test('goes to the end while its closing fence is missing', () => {
    assert.deepEqual(partsOf('```bash\necho a\n\necho b'), [['bash', 'echo a\n\necho b']]);
    assert.deepEqual(partsOf('```bash'), [['bash', '']]);
  });

  test('loses the indentation of its fence', () => {
    assert.deepEqual(partsOf('  ```py\n  if 1:\n      x\n y\n\n  ```'), [['py', 'if 1:\n    x\ny\n']]);
  });

  test('is named by the first word of the info string', () => {
    assert.deepEqual(partsOf('```Python3 title="a"\n```'), [['Python3', '']]);
    assert.deepEqual(partsOf('```bash{1,2}\n```'), [['bash', '']]);
  });

  test('keeps every character of the lines inside, whatever they look like', () => {
    const code = '<b>&amp;</b>\n\t$(rm -rf /)  \n\n\u{1F600}';
    assert.deepEqual(partsOf(`\`\`\`\n${code}\n\`\`\``), [['', code]]);
  });

  test('does not change its earlier parts while a text grows letter by letter', () => {
    const text = 'One\n```sh\nls\n```\nTwo\n~~~\nx\n~~~\nThree';
    let before = [];
    for (let end = 1; end <= text.length; ++end) {
      const parts = splitFences(text.slice(0, end));
      assert.ok(parts.length >= before.length - 1);
      for (let at = 0; at < before.length - 1 && at < parts.length - 1; ++at) assert.deepEqual(parts[at], before[at]);
      before = parts;
    }
    assert.deepEqual(partsOf(text), ['One', ['sh', 'ls'], 'Two', ['', 'x'], 'Three']);
  });
});
