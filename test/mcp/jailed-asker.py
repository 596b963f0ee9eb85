"""An MCP server of one tool, which asks what it is told to ask through the socket that its jail has, and says what came back."""
import http.client, json, os, socket, sys

SOCKET = os.environ.get("TUTTI_SOCKET", "")


class Door(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(SOCKET)


def ask(request):
    if "tcp" in request:
        try:
            socket.create_connection(("127.0.0.1", request["tcp"]), timeout=2).close()
            return {"connected": True}
        except OSError as error:
            return {"connected": False, "errno": error.errno}
    door = Door("localhost", timeout=20)
    body = request.get("body")
    headers = {"content-type": "application/json", **request.get("headers", {})}
    door.request(request["method"], request["path"], None if body is None else json.dumps(body), headers)
    answer = door.getresponse()
    text = answer.read().decode()
    door.close()
    return {"status": answer.status, "text": text, "runId": answer.getheader("tutti-run-id")}


TOOL = {
    "name": "ask",
    "description": "Asks Tutti.",
    "inputSchema": {"type": "object", "properties": {"requests": {"type": "array"}}, "required": ["requests"]},
}


def result_of(method, params):
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": {"name": "asker", "version": "1"}}
    if method == "tools/list":
        return {"tools": [TOOL]}
    if method == "tools/call":
        answers = [ask(request) for request in params["arguments"]["requests"]]
        return {"content": [{"type": "text", "text": json.dumps({"socket": SOCKET, "environment": sorted(os.environ), "answers": answers})}]}
    return {} if method == "ping" else None


for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = result_of(message["method"], message.get("params", {}))
    answer = {"result": result} if result is not None else {"error": {"code": -32601, "message": "no such method"}}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
