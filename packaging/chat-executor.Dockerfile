# SPDX-License-Identifier: Apache-2.0
# The image of CHAT_EXECUTOR_LAUNCHER=docker: chat-executor, bash and python3. The context is the
# folder of the programs that ./dev build made on Debian 12:
#
#   docker build -t chat-executor:1 -f packaging/chat-executor.Dockerfile build/bin
#
# More languages or libraries for the code: a line of FROM chat-executor:1 in an image of your own.
FROM debian:12-slim

# What chat-executor loads, and the languages beside bash.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libboost-json1.81.0 \
        libfmt9 \
        libseccomp2 \
        libssl3 \
        python3 \
    && rm -rf /var/lib/apt/lists/*

COPY chat-executor chat-executor-init chat-emit /usr/local/bin/

# It starts as root, which the launcher leaves five powers, and runs code as the user nobody.
ENTRYPOINT ["chat-executor"]
