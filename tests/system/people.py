# SPDX-License-Identifier: Apache-2.0
"""People who chat: each keeps one SSE stream open, reconnects as a browser does, and reads answers.

Not a load generator: a person sends one message and waits for its answer.
"""
import http.client
import json
import random
import socket
import threading
import time
import urllib.parse


class Refused(Exception):
    """The service answered with an error status."""

    def __init__(self, status, body, retry_after):
        super().__init__(f'{status} {body}')
        self.status, self.body, self.retry_after = status, body, retry_after


class Person:
    """One browser page: a stream thread, posts, and the notes of what was seen."""

    def __init__(self, base_url, name):
        where = urllib.parse.urlsplit(base_url)
        self.host, self.port, self.name = where.hostname, where.port, name
        self.stream_id = f'{name}-{random.randrange(10**9)}'
        self.cookie = None
        self.session_id = None
        self.events = []  # (id or None, event, data)
        self.notes = []  # (seconds since start, what a person would have noticed)
        self.started = time.monotonic()
        self._changed = threading.Condition()
        self._leaving = False
        self._last_id = None
        self._connection = self._socket = None
        self._thread = threading.Thread(target=self._read_streams, daemon=True)

    # --- What a person does ---

    def arrive(self, timeout=20):
        self._thread.start()
        if not self._wait(lambda: self.session_id, timeout):
            raise AssertionError(f'{self.name}: no ready event; notes: {self.notes}')
        return self

    def say(self, text, conversation_id=None, patience=60):
        """Posts until accepted: a 503 is repeated after its Retry-After, as the page offers it."""
        message = {'text': text}
        if conversation_id:
            message['conversation_id'] = conversation_id
        give_up = time.monotonic() + patience
        while True:
            try:
                return self.request('POST', f'/sse/chat?stream_id={self.stream_id}', {'message': message})
            except Refused as refused:
                if refused.status != 503 or time.monotonic() > give_up:
                    raise
                self.note(f'503 {refused.body["error"]["code"]}')
                self._pause(min(float(refused.retry_after or 1), 1))
            except (OSError, http.client.HTTPException) as lost:
                if time.monotonic() > give_up:
                    raise
                self.note(f'post failed: {type(lost).__name__}')
                self._pause(0.2)

    def answer_to(self, accepted, patience=60):
        """The turn's end: the text of chat_complete, from the stream or, after a gap, from the history."""
        turn, conversation = accepted['turn_id'], accepted['conversation_id']
        give_up = time.monotonic() + patience
        while time.monotonic() < give_up:
            if self._wait(lambda: self._end_of(turn), 1):
                return self._end_of(turn)
            stored = self._stored_end(conversation, turn)
            if stored:
                return stored
        raise AssertionError(f'{self.name}: turn {turn} never ended; notes: {self.notes}')

    def leave(self):
        self._leaving = True
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._thread.join(10)

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            headers = {'Cookie': self.cookie} if self.cookie else {}
            if body is not None:
                headers['Content-Type'] = 'application/json'
                body = json.dumps(body)
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            parsed = json.loads(text) if text else None
            if answer.status >= 400:
                raise Refused(answer.status, parsed, answer.getheader('Retry-After'))
            return parsed
        finally:
            connection.close()

    # --- What was seen ---

    def seen(self, event, turn_id=None):
        return [data for _, name, data in self.events
                if name == event and (turn_id is None or data.get('turn_id') == turn_id)]

    def numbers(self):
        return [number for number, _, _ in self.events if number is not None]

    def _end_of(self, turn):
        done = self.seen('chat_complete', turn)
        if done:
            return {'state': 'completed', 'text': done[0]['text'], 'by': 'stream'}
        failed = self.seen('chat_error', turn)
        if failed:
            return {'state': 'error', 'text': failed[0]['error']['code'], 'by': 'stream'}
        return None

    def _stored_end(self, conversation, turn):
        if not self.seen('gap') and not any('stream' in note for _, note in self.notes):
            return None  # nothing was missed: the stream alone must bring the end
        try:
            stored = self.request('GET', f'/conversations/{conversation}')
        except (Refused, OSError, http.client.HTTPException):
            return None
        for each in stored['turns']:
            if each['turn_id'] == turn and each['state'] in ('completed', 'error', 'interrupted'):
                return {'state': each['state'], 'text': each['answer_text'], 'by': 'history'}
        return None

    # --- The stream ---

    def _read_streams(self):
        while not self._leaving:
            try:
                self._read_one_stream()
                if not self._leaving:
                    self.note('stream ended')
            except (OSError, http.client.HTTPException, ValueError) as lost:
                if not self._leaving:
                    self.note(f'stream lost: {type(lost).__name__}')
            self._pause(0.2)

    def _read_one_stream(self):
        self._connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        headers = {'Accept': 'text/event-stream'}
        if self.cookie:
            headers['Cookie'] = self.cookie
        if self._last_id is not None:
            headers['Last-Event-ID'] = str(self._last_id)
        self._connection.request('GET', f'/sse/stream?stream_id={self.stream_id}', headers=headers)
        self._socket = self._connection.sock  # a response without a length takes it from there
        answer = self._connection.getresponse()
        if answer.status != 200:
            answer.read()
            raise OSError(f'stream refused with {answer.status}')
        cookie = answer.getheader('Set-Cookie')
        if cookie:
            self.cookie = cookie.split(';')[0]
        number, event, data = None, None, []
        for raw in answer:
            line = raw.decode().rstrip('\n')
            if line.startswith('id:'):
                number = int(line[3:])
            elif line.startswith('event:'):
                event = line[6:].strip()
            elif line.startswith('data:'):
                data.append(line[5:])
            elif not line and event:
                self._take(number, event, json.loads('\n'.join(data)))
                number, event, data = None, None, []

    def _take(self, number, event, data):
        with self._changed:
            self.events.append((number, event, data))
            if number is not None:
                self._last_id = number
            if event == 'ready':
                self.session_id = data['session_id']
            elif event in ('gap', 'server_shutdown'):
                self.notes.append((round(time.monotonic() - self.started, 1), event))
            self._changed.notify_all()

    def note(self, what):
        with self._changed:
            if not self.notes or self.notes[-1][1] != what:
                self.notes.append((round(time.monotonic() - self.started, 1), what))

    def _wait(self, condition, timeout):
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def _pause(self, seconds):
        with self._changed:
            self._changed.wait_for(lambda: self._leaving, seconds)
