"""Namespaces of people and of groups: made when they are first used, with what docs/kubernetes-project.yaml puts into them and by an
account that has the rights of docs/kubernetes-rbac-projects.yaml and no others; chosen in the form; nobody else's."""

import os

import yaml

from drivers.gateway import Gateway, Person, wait_until

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
HOME = "gateway"  # the gateway's own namespace


def rights(cluster):
    """A kubeconfig of the account, which exists in a namespace of its own."""
    cluster.namespace(HOME)
    token = cluster.account(HOME, "passerelle")
    with open(os.path.join(ROOT, "docs", "kubernetes-rbac-projects.yaml")) as file:
        cluster.apply(*yaml.safe_load_all(file.read().replace("namespace: notebooks", "namespace: " + HOME)))
    return cluster.kubeconfig("projects", {"tokenFile": token}, HOME)


def project_file(cluster):
    path = cluster.at("project.yaml")
    with open(os.path.join(ROOT, "docs", "kubernetes-project.yaml")) as source, open(path, "w") as file:
        text = source.read().replace("namespace: notebooks", "namespace: " + HOME).replace("kubernetes.io/metadata.name: notebooks", "x: y")
        # Small enough that a second service does not fit.
        file.write(text.replace("requests.memory: 32Gi", "requests.memory: 20Mi").replace("memory: 128Mi", "memory: 4Mi")
                   .replace("metadata: {name: project}", "metadata: {name: project, annotations: {of: \"{owner} in {namespace}\"}}"))
    return path


def launch(person, profile, values=None):
    return person.api("POST", f"/users/{person.name}/server", {"profile": profile, "values": values or {}})


def failed(person, values=None):
    """What is said of a launch that had to fail, now or soon."""
    answer = launch(person, "lab", values)
    return person.wait_stopped(60) if answer.status in (201, 202) else answer.json()


def check_projects(site):
    cluster = site.cluster
    common = (f"type: kubernetes, kubeconfig: '{rights(cluster)}', helm: '{site.helm}', reach: pod, namespace: 'user-{{username}}', "
              f"group_namespace: 'project-{{group}}', project_groups: ['team-*'], project_file: '{project_file(cluster)}', pull: Never, "
              "stop_patience: 1s")
    profiles = {"lab": {"spawner": "projects", "chart": {"archive": site.archive, "context": site.context}, "start_timeout": "60s"},
                "pod": {"spawner": "projects", "command": ["/bin/httpd", "-f", "-p", "8888", "-h", "/bin"], "start_timeout": "60s",
                        "container": {"image": "peer.local/busybox:1", "user": "1000:100"}, "memory": "8MiB", "cpu": 0.1}}
    with Gateway(profiles, spawner=f"  projects: {{{common}}}\n") as gateway:
        people = {name: Person(gateway, name).sign_in() for name in ["teacher", "uma", "vera", "wim"]}
        for group in ["team-blue", "team-red", "others"]:
            answer = people["teacher"].api("POST", f"/groups/{group}", {})
            assert answer.status == 201, (answer.status, answer.text)
        for group, names in [("team-blue", ["uma", "vera"]), ("team-red", ["uma"]), ("others", ["uma"])]:
            answer = people["teacher"].api("POST", f"/groups/{group}/users", {"users": names})
            assert answer.status == 200, (answer.status, answer.text)
        uma, vera, wim = people["uma"], people["vera"], people["wim"]

        # Chosen in the form, among one's own and those of one's groups that have one.
        page = uma.get("/hub/launcher/lab").text
        assert '<option value="" selected>Mine</option>' in page and "user-uma · " in page, page
        assert 'value="team-blue"' in page and 'value="team-red"' in page and 'value="others"' not in page, page
        assert 'name="project"' not in wim.get("/hub/launcher/lab").text
        page = uma.get("/hub/launcher/lab?server=x&project=team-blue").text
        assert '<option value="team-blue" selected>' in page and "project-team-blue · " in page and "--namespace project-team-blue" in page
        assert uma.get("/hub/launcher/lab?project=others").status == 404
        assert cluster.gone("/api/v1/namespaces/project-team-blue")  # looking makes nothing

        # A service of the group: made with its namespace, and what belongs into that.
        assert launch(uma, "lab", {"@project": "team-blue"}).status in (201, 202)
        uma.wait_ready(90)
        assert "on minilab-uma-0" in uma.get("/user/uma/").text
        base = "/api/v1/namespaces/project-team-blue"
        about = cluster.call("GET", base)["metadata"]
        assert about["labels"]["pod-security.kubernetes.io/enforce"] == "baseline", about
        assert about["annotations"]["passerelle/project-of"] == "group team-blue", about
        quota = cluster.call("GET", base + "/resourcequotas/project")
        assert quota["spec"]["hard"]["requests.memory"] == "20Mi", quota
        assert quota["metadata"]["annotations"]["of"] == "team-blue in project-team-blue", quota
        assert cluster.call("GET", base + "/limitranges/project")["spec"]["limits"][0]["default"]["memory"] == "1Gi"
        assert cluster.call("GET", "/apis/networking.k8s.io/v1/namespaces/project-team-blue/networkpolicies/project")["spec"]["podSelector"] == {}
        given = yaml.safe_load(site.run("get", "values", "minilab-uma", "-n", "project-team-blue"))
        assert given["ingress"]["hostname"].startswith("project-team-blue-"), given  # {{project.id}}
        # What is there, its members see in the form: whose it is, and what somebody has installed by other means.
        site.run("install", "foreign", site.archive, "-n", "project-team-blue", "--set", "global.suspend=true")
        page = vera.get("/hub/launcher/lab?project=team-blue").text
        chart = os.path.basename(site.archive)[:-len(".tgz")]
        assert f"minilab-uma · {chart} · uma" in page and 'href="/user/uma/"' not in page, page
        assert f"foreign · {chart} · installed by other means · stopped" in page, page
        assert '<a href="/user/uma/">minilab-uma</a>' in uma.get("/hub/launcher/lab?server=x&project=team-blue").text
        assert "In this project" not in wim.get("/hub/launcher/lab").text
        # The group's quota counts for the next one; her own project is not full.
        wait_until("the quota counts", lambda: cluster.call("GET", base + "/resourcequotas/project")["status"]["used"]["requests.memory"] == "16Mi")
        server = failed(vera, {"@project": "team-blue"})
        assert server["cause"] == "quota-user" and "requests.memory=20Mi" in str(server), server
        assert launch(vera, "lab").status in (201, 202)
        vera.wait_ready(90)
        assert [p["metadata"]["name"] for p in cluster.pods("user-vera")] == ["minilab-vera-0"]

        # Not one's own group; a group without a project; a namespace that somebody else has made.
        for values in ({"@project": "team-blue"}, {"@project": "others"}, {"@project": "../kube-system"}):
            server = failed(wim, values)
            assert server["cause"] == "values-invalid", (values, server)
        cluster.namespace("user-wim")
        server = failed(wim)
        assert server["cause"] == "spawner-down" and "belongs to somebody else" in str(server), server
        assert not cluster.pods("user-wim")
        cluster.call("PATCH", "/api/v1/namespaces/user-wim", {"metadata": {"labels": about["labels"]}}, "application/merge-patch+json")
        assert "another project" in str(failed(wim))

        # Pods of ours are the person's own. A gateway that was killed finds all of them again.
        teacher = people["teacher"]
        assert launch(teacher, "pod").status in (201, 202)
        teacher.wait_ready(90)
        assert [p["metadata"]["name"] for p in cluster.pods("user-teacher")] == ["jupyter-teacher"]
        gateway.kill()
        gateway.start()
        for person in (uma, vera, teacher):
            person.wait_ready(60)
        assert "on minilab-uma-0" in uma.get("/user/uma/").text
        for person in (uma, vera, teacher):
            person.stop()
        for person in (uma, vera, teacher):
            person.wait_stopped(150)
        # The project of the last launch stands in the form.
        assert '<option value="team-blue" selected>' in uma.get("/hub/launcher/lab").text
