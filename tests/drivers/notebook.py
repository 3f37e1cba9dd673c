"""A notebook's front end in a few lines: kernels over the Jupyter messaging protocol."""

import json
import uuid

import websocket


def connect(gateway, path, headers, host=None):
    """`host`: of the address that a browser would show, if it is another one."""
    shown = host or f"127.0.0.1:{gateway.port}"
    return websocket.create_connection(f"ws://127.0.0.1:{gateway.port}{path}", header=headers, host=shown,
                                       origin=f"http://{shown}", timeout=60)


def send(channel, way, kind, content):
    """Sent, not waited for; answers the id by which replies name it."""
    ident = uuid.uuid4().hex
    header = {"msg_id": ident, "username": "x", "session": ident, "msg_type": kind, "version": "5.3", "date": "2026-01-01T00:00:00Z"}
    channel.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "channel": way, "buffers": [], "content": content}))
    return ident


def send_code(channel, code):
    return send(channel, "shell", "execute_request", {"code": code, "silent": False, "store_history": True,
                                                      "user_expressions": {}, "allow_stdin": False})


def await_state(channel, ident, state):
    """Until the kernel says so of the message with that id."""
    while True:
        message = json.loads(channel.recv())
        if message["parent_header"].get("msg_id") == ident and message["content"].get("execution_state") == state:
            return


def drain_control(channel):
    """Returns when the kernel has answered what Jupyter itself asked it over the control channel at the start, twice at times. Servers
    before 2024 take the "idle" at the end of such an answer for the whole kernel's state, whatever a cell does meanwhile."""
    await_state(channel, send(channel, "control", "kernel_info_request", {}), "idle")


def execute(channel, code):
    """What the code prints, or its value."""
    ident = send_code(channel, code)
    output = ""
    while True:
        message = json.loads(channel.recv())
        if message["parent_header"].get("msg_id") != ident:
            continue
        content = message["content"]
        if message["msg_type"] == "execute_result":
            output += content["data"]["text/plain"]
        elif message["msg_type"] == "stream":
            output += content["text"]
        elif message["msg_type"] == "error":
            raise AssertionError(content["traceback"])
        elif message["msg_type"] == "status" and content["execution_state"] == "idle":
            return output


def open_kernel(gateway, person, headers, kernel=None):
    """(kernel id, channel) of a new kernel, or of one that runs."""
    if kernel is None:
        made = person.request("POST", f"/user/{person.name}/api/kernels", "{}",
                              {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{gateway.port}"})
        assert made.status == 201, (made.status, made.text)
        kernel = made.json()["id"]
    path = f"/user/{person.name}/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
    return kernel, connect(gateway, path, headers)
