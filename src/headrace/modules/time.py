"""Entity Time. The offset is always UTC's: where the machine stands is nobody's business."""

from headrace.core.ns import TIME
from headrace.modules.api import Effects, Module, Reply, Request, Target, Xep, iq
from headrace.xep.datetimes import format_datetime


class Time(Module):
    name = "time"
    xeps = (Xep(202, "2.0"), Xep(82, "1.1.1"))
    features = (TIME,)

    @iq("get", TIME, "time", Target.HOST)
    def time(self, request: Request) -> Effects:
        utc = format_datetime(self.context.now())
        return Reply(f"<time xmlns='{TIME}'><tzo>+00:00</tzo><utc>{utc}</utc></time>".encode())
