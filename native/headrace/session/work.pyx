"""Coroutines of connections: see work.pyi."""
from asyncio import CancelledError, current_task
from asyncio.tasks import _enter_task, _leave_task


cdef class Work:
    def __init__(self, loop, coroutine not None, then not None):
        self.loop = loop
        self.coroutine = coroutine
        self.then = then

    def start(self):
        return self.step()

    cdef bint step(self) except -1:
        cdef object outer = current_task(self.loop), yielded = None
        if outer is not None:
            _leave_task(self.loop, outer)
        _enter_task(self.loop, self)
        try:
            yielded = self.resume()
        except StopIteration:
            self.over = True
        except BaseException as error:
            self.over = True
            self.error = error
        finally:
            _leave_task(self.loop, self)
            if outer is not None:
                _enter_task(self.loop, outer)
        if not self.over:
            self.wait(yielded)
        return self.over

    cdef object resume(self):
        if self.cancelled:
            self.cancelled = False
            return self.coroutine.throw(CancelledError())
        return self.coroutine.send(None)

    cdef int wait(self, object yielded) except -1:
        if yielded is None:     # asyncio.sleep(0)
            self.loop.call_soon(self._go_on, None)
            return 0
        yielded._asyncio_future_blocking = False
        self.future = yielded
        yielded.add_done_callback(self._go_on)
        if self.cancelled and yielded.cancel():
            self.cancelled = False
        return 0

    def _go_on(self, future):
        self.future = None
        if self.step():
            self.then(self)

    cdef int report(self) except -1:
        self.loop.call_exception_handler({"message": "a connection's work failed", "exception": self.error})
        return 0

    # What asyncio.timeout() asks of a task, and who gives it up.

    def cancel(self, msg=None):
        if self.over:
            return False
        self.requests += 1
        if self.future is None or not self.future.cancel():
            self.cancelled = True
        return True

    def uncancel(self):
        self.requests = max(self.requests - 1, 0)
        return self.requests

    def cancelling(self):
        return self.requests
