"""A TLS peer on loopback for http_tls_test.c: tls_server.py CERTIFICATE KEY MODE.

Prints its port, then one line per request that it could read. Ends when it is killed.
"""
import os
import socket
import ssl
import struct
import sys

certificate, key, mode = sys.argv[1:]

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
if mode == "old":
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1


def say(line):
    print(line, flush=True)


def read_request(connection):
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        more = connection.recv(65536)
        if not more:
            return False
        text += more
    version = connection.version()
    say("%s %s" % (version, text.split(b"\r\n", 1)[0].decode()))
    return True


def answer(connection):
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1,2]"
    if mode in ("closed", "truncated"):
        reply = b"HTTP/1.0 200 OK\r\n\r\n[1,2]"
    first = True
    while read_request(connection):
        if mode == "dead_reuse" and not first:
            break
        first = False
        connection.sendall(reply)
        if mode in ("closed", "truncated", "idle_close"):
            break
    if mode in ("closed", "idle_close"):
        connection.unwrap()
    # No close_notify: the bare socket goes away under the TLS session.
    os.close(connection.detach())


def serve(plain):
    if mode == "reset":
        plain.recv(1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        plain.close()
        return
    if mode == "plain":
        plain.recv(65536)
        plain.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        plain.close()
        return
    try:
        answer(context.wrap_socket(plain, server_side=True))
    except OSError:
        plain.close()


listener = socket.create_server(("127.0.0.1", 0))
say(listener.getsockname()[1])
while True:
    serve(listener.accept()[0])
