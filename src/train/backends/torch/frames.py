"""Frames over stdin and stdout, as in frames.ts.

A frame is one line of JSON, then the arrays that its "arrays" names, [["f4", length], …], raw and
little-endian, one behind the other.
"""
import ctypes
import json
import os
import sys
import threading
import traceback
from queue import SimpleQueue

TYPES = {"f4": ("float32", 4), "f8": ("float64", 8), "i4": ("int32", 4)}


class Pipe:
    def __init__(self):
        self.source = sys.stdin.buffer
        self.sink = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # what anything prints goes to the log, not between the frames
        self.requests, self.stop = SimpleQueue(), threading.Event()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        """In a thread of its own, so that a stop or the end of stdin is met within an epoch."""
        try:
            for line in iter(self.source.readline, b""):
                head = json.loads(line)
                if head["type"] == "stop":
                    self.stop.set()
                    continue
                named = head["arrays"]
                rooms = [(kind, self.fill(length * TYPES[kind][1])) for kind, length in named]
                self.stop.clear()
                self.requests.put((head, rooms))
        except EOFError:
            pass
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(0)

    def fill(self, size):
        room, done = bytearray(size), 0
        while done < size:
            got = self.source.readinto(memoryview(room)[done:])
            if not got:
                raise EOFError
            done += got
        return room

    def next(self):
        """The next request, its arrays as tensors."""
        import torch

        head, rooms = self.requests.get()
        tensors = []
        for kind, room in rooms:
            dtype = getattr(torch, TYPES[kind][0])
            read = torch.frombuffer if room else torch.tensor  # the first refuses an empty one
            tensors.append(read(room, dtype=dtype))
        return head, tensors

    def tell(self, done, total):
        self.send({"type": "progress", "done": done, "total": total})

    def send(self, head, tensors=()):
        kinds = {f"torch.{name}": kind for kind, (name, _) in TYPES.items()}
        named = [[kinds[str(t.dtype)], len(t)] for t in tensors]
        self.sink.write((json.dumps({**head, "arrays": named}) + "\n").encode())
        for t in tensors:
            size = t.numel() * t.element_size()
            if size > 0:
                self.sink.write((ctypes.c_char * size).from_address(t.data_ptr()))
        self.sink.flush()
