# SPDX-License-Identifier: Apache-2.0
"""A whole Kubernetes of one node on a private host: etcd, API server, controllers,
scheduler and a kubelet on containerd. All of its ports are in the host's own network.

Rights are checked as in a real cluster: RBAC for who asks the API server, and the kubelet
asks the API server who a token is of and what that one may.
"""
import json
import re
import shutil

import yaml

import kubernetes
from harness import ROOT, until
from kubernetes import NODE, NODE_ADDRESS
from private_host import Unavailable

NAMESPACE = "shop"
SERVER = f"https://{NODE_ADDRESS}:6443"
OF_SERVICE_ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
ROLES = "/apis/rbac.authorization.k8s.io/v1"
GROUPS = {"Deployment": "apps/v1", "DaemonSet": "apps/v1", "StatefulSet": "apps/v1",
          "Job": "batch/v1", "CronJob": "batch/v1beta1"}
START_S = 90  # six programs of 100 MB each on two busy CPUs
POD_S = START_S + 60  # a CronJob's begins with the next minute

# Certificate: subject, names. A subject says who its owner is: the group is O, the user CN.
CERTIFICATES = {
    "server": ("/CN=kubernetes", f"IP:{NODE_ADDRESS},IP:127.0.0.1,DNS:kubernetes"),
    "kubelet": (f"/CN={NODE}", f"IP:{NODE_ADDRESS},IP:127.0.0.1,DNS:{NODE}"),
    "node": (f"/O=system:nodes/CN=system:node:{NODE}", None),
    "admin": ("/O=system:masters/CN=admin", None),
    "controllers": ("/CN=system:kube-controller-manager", None),
    "scheduler": ("/CN=system:kube-scheduler", None),
}
# What accounts of agents ask for is written down.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts:default"]},
              {"level": "None"}]}
# The kubelet believes what it has been told of a token for two minutes by default.
OF_CLUSTER = {
    "authentication": {
        "anonymous": {"enabled": False}, "webhook": {"enabled": True, "cacheTTL": "1s"},
        "x509": {"clientCAFile": "/run/pki/ca.crt"}},
    "authorization": {"mode": "Webhook", "webhook": {
        "cacheAuthorizedTTL": "1s", "cacheUnauthorizedTTL": "1s"}},
    "tlsCertFile": "/run/pki/kubelet.crt", "tlsPrivateKeyFile": "/run/pki/kubelet.key",
    "readOnlyPort": 0,
}


def documented_rules():
    """Those of the ClusterRole in README.md, in its order: kubelet, services, pods."""
    text = (ROOT / "README.md").read_text().split("### Tags from Kubernetes")[1]
    return yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])["rules"]


class Authority:
    """What signs every certificate of the cluster."""

    def __init__(self, host):
        self.host, self.folder = host, host.path("/run/pki")
        self.folder.mkdir()
        self.openssl("req", "-x509", *self.new_key("ca"), "-days", "2", "-subj", "/CN=cluster")
        self.openssl("genrsa", "-out", "tokens.key", "2048")
        for name, (subject, names) in CERTIFICATES.items():
            self.sign(name, subject, names)

    def openssl(self, *arguments):
        self.host.run("sh", "-c", 'cd /run/pki && exec openssl "$@"', "sh", *arguments)

    @staticmethod
    def new_key(name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.crt")

    def sign(self, name, subject, names):
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\n" if names else "")
        self.openssl("req", *self.new_key(name)[:-1], f"{name}.csr", "-subj", subject)
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext",
                     "-out", f"{name}.crt")

    def kubeconfig(self, name):
        """A file by which the owner of that certificate talks to the API server."""
        file = f"/run/pki/{name}.json"
        self.host.path(file).write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "clusters": [{"name": "it", "cluster": {
                "server": SERVER, "certificate-authority": "/run/pki/ca.crt"}}],
            "users": [{"name": "it", "user": {
                "client-certificate": f"/run/pki/{name}.crt",
                "client-key": f"/run/pki/{name}.key"}}]}))
        return file


class Refused(AssertionError):
    """The API server said so."""


class Cluster:
    def __init__(self, runtime):
        if not shutil.which("etcd"):
            raise Unavailable("etcd is not installed: run ./dev test-cluster")
        self.host = runtime.host
        self.programs = {name: kubernetes.program(name) for name in (
            "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")}
        self.host.run("ip", "address", "add", f"{NODE_ADDRESS}/32", "dev", "lo")
        self.authority = Authority(self.host)
        self.start_api_server()
        self.start_controllers()
        self.kubelet = kubernetes.Kubelet(runtime, OF_CLUSTER, [
            f"--kubeconfig={self.authority.kubeconfig('node')}"])
        self.create("/api/v1/namespaces", "v1", "Namespace", NAMESPACE)
        self.wait(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default")
        until(self.is_node_ready, "the node is ready", START_S)

    def start(self, name, *arguments):
        """It ends with the host."""
        self.host.start("sh", "-c", f'exec "$@" >/run/{name}.log 2>&1', "sh",
                        self.programs.get(name, name), *arguments)

    def log(self, name):
        return self.host.path(f"/run/{name}.log").read_text()

    def start_api_server(self):
        self.start("etcd", "--data-dir=/var/lib/etcd")
        self.host.path("/run/audit.json").write_text(json.dumps(AUDIT_POLICY))
        pki = "/run/pki"
        self.start(
            "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", "--secure-port=6443",
            f"--advertise-address={NODE_ADDRESS}", "--cert-dir=/run/kube-apiserver",
            f"--tls-cert-file={pki}/server.crt", f"--tls-private-key-file={pki}/server.key",
            f"--client-ca-file={pki}/ca.crt", "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction", "--service-cluster-ip-range=10.96.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={pki}/tokens.key",
            f"--service-account-signing-key-file={pki}/tokens.key",
            "--audit-log-path=/run/audit.log", "--audit-policy-file=/run/audit.json")
        until(lambda: self.curl("GET", "/readyz").endswith("\n200"), "the API server is ready",
              START_S)

    def start_controllers(self):
        pki = "/run/pki"
        self.start(
            "kube-controller-manager", f"--kubeconfig={self.authority.kubeconfig('controllers')}",
            "--leader-elect=false", "--use-service-account-credentials", "--port=0",
            "--cert-dir=/run/controllers", f"--root-ca-file={pki}/ca.crt",
            f"--service-account-private-key-file={pki}/tokens.key")
        self.start("kube-scheduler", f"--kubeconfig={self.authority.kubeconfig('scheduler')}",
                   "--leader-elect=false", "--port=0", "--cert-dir=/run/scheduler")

    def curl(self, method, path, body=None):
        """As the cluster's owner; the answer with its status in a last line. "": nobody is there."""
        pki = "/run/pki"
        try:
            return self.host.run(
                "curl", "--silent", "--max-time", "20", "--write-out", "\\n%{http_code}",
                "--request", method, "--cacert", f"{pki}/ca.crt", "--cert", f"{pki}/admin.crt",
                "--key", f"{pki}/admin.key", "--header", "Content-Type: application/json",
                *(["--data-binary", "@-"] if body else []), f"{SERVER}{path}",
                input=json.dumps(body) if body else None)
        except AssertionError:
            return ""

    def ask(self, method, path, body=None):
        text, _, status = self.curl(method, path, body).rpartition("\n")
        if not status.startswith("2"):
            raise Refused(f"{method} {path} -> {status} {text}")
        return json.loads(text)

    def create(self, path, version, kind, name, **rest):
        return self.ask("POST", path, {"apiVersion": version, "kind": kind,
                                       "metadata": {"name": name}, **rest})

    def wait(self, path):
        def find():
            try:
                return self.ask("GET", path)
            except Refused:
                return None

        return until(find, f"{path} is there", START_S)

    def is_node_ready(self):
        try:
            conditions = self.ask("GET", f"/api/v1/nodes/{NODE}")["status"]["conditions"]
        except Refused:  # it has not joined yet
            return False
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    # What runs in it.

    def create_workload(self, kind, name, *command, **labels):
        """Pods of one container, `main`; a CronJob's begin with the next minute."""
        labels = {"app": name, **labels}
        group = GROUPS[kind]
        of_batch = group.startswith("batch/")
        pod = kubernetes.pod_manifest(
            name, kubernetes.container("main", *command), labels=labels,
            automountServiceAccountToken=False, **({"restartPolicy": "Never"} if of_batch else {}))
        spec = {"template": {"metadata": {"labels": labels}, "spec": pod["spec"]}}
        if not of_batch:
            spec["selector"] = {"matchLabels": {"app": name}}
        if kind == "StatefulSet":
            spec["serviceName"] = name
        if kind == "CronJob":
            spec = {"schedule": "* * * * *", "concurrencyPolicy": "Forbid",
                    "jobTemplate": {"spec": spec}}
        self.create(f"/apis/{group}/namespaces/{NAMESPACE}/{kind.lower()}s", group, kind, name,
                    spec=spec)

    def create_service(self, name, app, port):
        self.create(f"/api/v1/namespaces/{NAMESPACE}/services", "v1", "Service", name, spec={
            "selector": {"app": app}, "ports": [{"port": port}]})

    def pod(self, app):
        """The running one of an app."""
        def find():
            pods = self.ask("GET", f"/api/v1/namespaces/{NAMESPACE}/pods"
                                   f"?labelSelector=app%3D{app}")["items"]
            return next((p for p in pods if p["status"]["phase"] == "Running"), None)

        return until(find, f"the pod of {app} runs", POD_S)

    # Who the agent is, and what it may.

    def create_account(self, name, rules):
        """A ServiceAccount with a role of its own; its token."""
        self.create(OF_SERVICE_ACCOUNTS, "v1", "ServiceAccount", name)
        self.create(f"{ROLES}/clusterroles", "rbac.authorization.k8s.io/v1", "ClusterRole", name,
                    rules=rules)
        self.create(
            f"{ROLES}/clusterrolebindings", "rbac.authorization.k8s.io/v1", "ClusterRoleBinding",
            name, subjects=[{"kind": "ServiceAccount", "namespace": "default", "name": name}],
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name})
        return self.ask("POST", f"{OF_SERVICE_ACCOUNTS}/{name}/token", {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {}})["status"]["token"]

    def set_rules(self, name, rules):
        path = f"{ROLES}/clusterroles/{name}"
        self.ask("PUT", path, {**self.ask("GET", path), "rules": rules})

    def delete_account(self, name):
        self.ask("DELETE", f"{OF_SERVICE_ACCOUNTS}/{name}")

    @staticmethod
    def signed_by_another(token):
        """The same claims, and a signature that is none."""
        claims, _, signature = token.rpartition(".")
        return f"{claims}.{signature[::-1]}"

    def requests(self, account):
        """What the API server wrote down that it gave to an account: {(verb, resource): number}."""
        given = {}
        for line in self.host.path("/run/audit.log").read_text().splitlines():
            event = json.loads(line)
            if event["user"]["username"] == f"system:serviceaccount:default:{account}" and \
                    event["responseStatus"]["code"] == 200:
                what = (event["verb"], event["objectRef"]["resource"])
                given.setdefault(what, set()).add(event["auditID"])
        return {what: len(requests) for what, requests in given.items()}
