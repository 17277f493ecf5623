// SPDX-License-Identifier: Apache-2.0
// The parser of the stream, without a browser.
import assert from 'node:assert/strict';
import {suite, test} from './suite.mjs';
import {SseParser} from '../../web/sse_parser.js';

const stream = ': keep-alive\n\nretry: 2000\n\nid: 7\nevent: chat_delta\ndata: {"text":"ä: b"}\n\n' +
  'id: 8\r\nevent: chat_complete\r\ndata: one\r\ndata: two\r\n\r\nevent: nothing\n\ndata:three\r\r';

const expected = [
  {name: 'chat_delta', data: '{"text":"ä: b"}', id: '7'},
  {name: 'chat_complete', data: 'one\ntwo', id: '8'},
  {name: 'message', data: 'three', id: '8'},
];

suite('the parser of events', () => {
  test('gives the same events for every split in two', () => {
    for (let cut = 0; cut <= stream.length; ++cut) {
      const parser = new SseParser();
      assert.deepEqual([...parser.feed(stream.slice(0, cut)), ...parser.feed(stream.slice(cut))], expected,
                       `at ${cut}`);
    }
  });

  test('gives the same events letter by letter', () => {
    const parser = new SseParser();
    assert.deepEqual([...stream].flatMap((letter) => parser.feed(letter)), expected);
  });

  test('holds no event back and lets none out before its end', () => {
    const parser = new SseParser();
    assert.deepEqual(parser.feed('event: a\ndata: 1\n'), []);
    assert.deepEqual(parser.feed('\n'), [{name: 'a', data: '1', id: ''}]);
  });

  test('refuses an event without bounds', () => {
    const parser = new SseParser();
    const piece = 'x'.repeat(1024 * 1024);
    assert.throws(() => {
      for (let count = 0; count < 20; ++count) parser.feed(piece);
    }, /too large/);
  });
});
