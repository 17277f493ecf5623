# SPDX-License-Identifier: Apache-2.0
"""A server that speaks RESP and answers each command as it was told to: for what no real Redis here
does, such as being of an older version, or having 50,000 clients."""

import socket
import threading


def bulk(text):
    data = text.encode() if isinstance(text, str) else text
    return b"$%d\r\n%s\r\n" % (len(data), data)


HELLO = b"%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n"


class ScriptedRedis:
    """`answers`: by the beginning of a command in capitals, "CLIENT LIST"; the longest one that fits
    counts. The value is the whole reply in bytes, or its pieces, or None for silence."""

    def __init__(self, answers):
        self.answers = {"HELLO": HELLO, "CLIENT ID": b":1\r\n"} | answers
        self.asked = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = []
        self._peers = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._peers.append(peer)
            thread = threading.Thread(target=self._serve, args=(peer,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer):
        try:
            with peer, peer.makefile("rb") as reader:
                while header := reader.readline():
                    words = []
                    for _ in range(int(header[1:])):
                        size = int(reader.readline()[1:])
                        words.append(reader.read(size + 2)[:-2].decode())
                    self.asked.append(" ".join(words))
                    reply = self._reply_to(" ".join(words).upper())
                    for piece in [reply] if isinstance(reply, bytes) else reply or ():
                        peer.sendall(piece)
        except OSError:
            pass  # the peer went away

    def _reply_to(self, command):
        fitting = [start for start in self.answers if command.startswith(start)]
        if not fitting:
            return b"-ERR unknown command\r\n"
        return self.answers[max(fitting, key=len)]

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(10)
        for peer in self._peers:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(10)
