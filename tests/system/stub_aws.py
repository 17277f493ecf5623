# SPDX-License-Identifier: Apache-2.0
"""An endpoint on loopback that speaks Amazon's Query protocol as far as raising a limit needs it: STS,
RDS and ElastiCache with an account in memory. It keeps every request, and refuses what it is told to."""

import http.server
import threading
import urllib.parse
from xml.sax.saxutils import escape

ACCOUNT = "123456789012"
REGION = "eu-west-1"


def xml(name, value):
    """A dictionary's keys are elements, a list's members are named by its key without the s."""
    if isinstance(value, dict):
        return f"<{name}>" + "".join(xml(key, inner) for key, inner in value.items()) + f"</{name}>"
    if isinstance(value, list):
        return f"<{name}>" + "".join(xml(name.removesuffix("s"), one) for one in value) + f"</{name}>"
    return f"<{name}>{escape(str(value))}</{name}>"


class StubAws:
    PAGE = 2  # instances

    def __init__(self):
        self.requests = []  # (action, parameters)
        self.instances = {}
        self.values = {}  # of max_connections, by parameter group
        self.caches = {}
        self.refusals = {}  # by action: (code, message)
        self.silent = set()  # actions that get no answer
        self.looks_until_there = 1  # how often something is not available yet after a change
        self._under_way = {}  # by id: looks left, what it is then
        self._let_go = threading.Event()
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers["Content-Length"])
                form = dict(urllib.parse.parse_qsl(self.rfile.read(size).decode()))
                stub.answer(self, form)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self):
        self._let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @property
    def actions(self):
        return [action for action, _ in self.requests]

    def add_instance(self, name, group, **other):
        self.instances[name] = {
            "DBInstanceIdentifier": name, "DBInstanceClass": "db.m6g.large", "Engine": "postgres",
            "DBInstanceStatus": "available", "EngineVersion": "15.4",
            "DBInstanceArn": f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{name}",
            "DBParameterGroups": [group], "Status": "in-sync"} | other
        self.values.setdefault(group, "LEAST({DBInstanceClassMemory/9531392},5000)")

    def add_cache(self, name, node_type, is_group, **other):
        self.caches[name] = {"type": node_type, "status": "available", "is_group": is_group,
                             "member_of": ""} | other

    def answer(self, handler, form):
        action = form.pop("Action")
        form.pop("Version")
        self.requests.append((action, form))
        if action in self.silent:
            self._let_go.wait(60)
            return
        status = 400
        if action in self.refusals:
            code, message = self.refusals[action]
        else:
            try:
                status, body = 200, getattr(self, f"on_{action}")(form)
            except KeyError as missing:
                code, message = "NotFoundFault", f"{missing} not found."
        if status == 200:
            text = xml(f"{action}Response", {f"{action}Result": body,
                                             "ResponseMetadata": {"RequestId": "1"}})
        else:
            text = xml("ErrorResponse", {"Error": {"Type": "Sender", "Code": code, "Message": message},
                                         "RequestId": "1"})
        handler.send_response(status)
        handler.send_header("Content-Type", "text/xml")
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())

    def _advance(self, name):
        """What is under way gets there after some looks."""
        if name in self._under_way:
            left, then = self._under_way.pop(name)
            if left > 1:
                self._under_way[name] = (left - 1, then)
            else:
                then()

    # --- STS

    def on_GetCallerIdentity(self, _form):
        return {"UserId": "AIDAEXAMPLE", "Account": ACCOUNT,
                "Arn": f"arn:aws:iam::{ACCOUNT}:user/operator"}

    # --- RDS

    def _told(self, one):
        told = {key: value for key, value in one.items() if key not in ("DBParameterGroups", "Status")}
        told["DBParameterGroups"] = [{"DBParameterGroupName": group,
                                      "ParameterApplyStatus": one["Status"]}
                                     for group in one["DBParameterGroups"]]
        return told

    def on_DescribeDBInstances(self, form):
        wanted = form.get("DBInstanceIdentifier")
        if wanted:
            told = self._told(self.instances[wanted])
            self._advance(wanted)
            return {"DBInstances": [told]}
        names = sorted(self.instances)
        start = int(form.get("Marker", "0"))
        page = {"DBInstances": [self._told(self.instances[name])
                                for name in names[start:start + self.PAGE]]}
        return page | ({"Marker": start + self.PAGE} if start + self.PAGE < len(names) else {})

    def on_DescribeDBParameters(self, form):
        value = self.values[form["DBParameterGroupName"]]
        shown = {"ParameterName": "max_connections", "IsModifiable": "true"}
        others = [{"ParameterName": f"a_setting_{number}"} for number in range(3)]
        return {"Parameters": others + [shown | ({"ParameterValue": value} if value else {})]}

    def on_ModifyDBParameterGroup(self, form):
        group = form["DBParameterGroupName"]
        prefix = "Parameters.Parameter.1."
        assert form[prefix + "ParameterName"] == "max_connections", form
        assert form[prefix + "ApplyMethod"] == "pending-reboot", form
        self.values[group] = form[prefix + "ParameterValue"]
        for one in self.instances.values():
            if group in one["DBParameterGroups"]:
                one["Status"] = "pending-reboot"
        return {"DBParameterGroupName": group}

    def on_RebootDBInstance(self, form):
        name = form["DBInstanceIdentifier"]
        one = self.instances[name]
        one["DBInstanceStatus"] = "rebooting"

        def back():
            one.update(DBInstanceStatus="available", Status="in-sync")

        self._under_way[name] = (self.looks_until_there, back)
        return {"DBInstance": self._told(one)}

    # --- ElastiCache

    def _cache(self, name):
        one = self.caches[name]
        told = {"ReplicationGroupId" if one["is_group"] else "CacheClusterId": name,
                "Status" if one["is_group"] else "CacheClusterStatus": one["status"],
                "CacheNodeType": one["type"],
                "ARN": f"arn:aws:elasticache:{REGION}:{ACCOUNT}:cluster:{name}"}
        return told | ({"ReplicationGroupId": one["member_of"]} if one["member_of"] else {})

    def _describe_cache(self, name):
        told = self._cache(name)
        self._advance(name)
        return told

    def _modify_cache(self, name, node_type):
        one = self.caches[name]
        one["status"] = "modifying"
        self._under_way[name] = (self.looks_until_there,
                                 lambda: one.update(status="available", type=node_type))
        return self._cache(name)

    def on_DescribeReplicationGroups(self, form):
        return {"ReplicationGroups": [self._describe_cache(form["ReplicationGroupId"])]}

    def on_DescribeCacheClusters(self, form):
        return {"CacheClusters": [self._describe_cache(form["CacheClusterId"])]}

    def on_ModifyReplicationGroup(self, form):
        assert form["ApplyImmediately"] == "true", form
        return {"ReplicationGroup": self._modify_cache(form["ReplicationGroupId"],
                                                       form["CacheNodeType"])}

    def on_ModifyCacheCluster(self, form):
        assert form["ApplyImmediately"] == "true", form
        return {"CacheCluster": self._modify_cache(form["CacheClusterId"], form["CacheNodeType"])}
