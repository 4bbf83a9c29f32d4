"""Negotiation over sockets: what bytes, cuts, pauses, time and TLS do to it."""

import asyncio

import pytest

from headrace.session.config import C2SConfig
from headrace.stream.limits import NegotiationLimits

BRIEF = NegotiationLimits(seconds=1)


async def test_time_out_before_a_header(serve, connect):
    client = await connect(serve(C2SConfig(tls="optional", negotiation=BRIEF)))
    answer = await client.rest()
    assert answer.startswith("<?xml version='1.0'?><stream:stream ")
    assert "<connection-timeout " in answer
    assert answer.endswith("</stream:error></stream:stream>")
