/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which container, pod and systemd unit a cgroup path names. Pure: bytes in,
 * struct out.
 *
 * A path is read from the root inwards and the innermost container wins: in
 * /docker/<id>/kubelet.slice/.../cri-containerd-<id>.scope (a node that is itself
 * a container) that is the pod's. The forms and who writes them:
 *
 *   docker     /docker/<id>, <slice>/docker-<id>.scope
 *              (moby daemon/oci_linux.go, WithCgroups)
 *   containerd /kubepods/<qos>/pod<uid>/<id>, <pod slice>/cri-containerd-<id>.scope,
 *              <pod slice>:cri-containerd:<id> as one component when a systemd path
 *              met a runtime that does not talk to systemd
 *              (containerd pkg/cri/server/helpers.go, getCgroupsPath);
 *              /k8s.io/<id> without a parent; nerdctl-<id>.scope, /default/<id>
 *   cri-o      crio-<id>.scope, /crio-<id>; its monitor lives in crio-conmon-<id>.scope
 *              (cri-o internal/config/cgmgr)
 *   podman     libpod-<id>.scope[/container], /libpod_parent/libpod-<id>, and
 *              <unit>.service/libpod-payload-<id> under --cgroups=split; its monitor
 *              in libpod-conmon-<id>.scope (podman libpod/oci_conmon_linux.go)
 *   ecs        /ecs/[<cluster>/]<task>/<id>; Fargate: /ecs/<task>/<task>-<digits>
 *              (amazon-ecs-agent agent/taskresource/cgroup)
 *   pods       pod<uid> or ...-pod<uid with underscores>.slice; the uid is a UUID, or
 *              32 hex digits for a pod from a file (kubelet cm/pod_container_manager_linux.go)
 *   systemd    *.service, *.scope and so on; a leading underscore only keeps a name apart
 *              from the kernel's files (systemd src/basic/cgroup-util.c, cg_escape)
 *
 * <id> is 64 lower-case hex digits. /kubepods/<qos>/pod<uid>/<id> is also what Docker
 * behind the kubelet writes, so there the runtime stays unknown.
 */

#include <stdbool.h>
#include <stddef.h>

#define CONTAINER_ID_SIZE 80
#define CONTAINER_POD_UID_SIZE 37
#define CONTAINER_UNIT_SIZE 256

/* An empty string is: not named by the path. */
struct container_id {
	char id[CONTAINER_ID_SIZE];
	const char *runtime; /* static: docker, containerd, cri-o, podman, ecs; NULL: unknown */
	char pod_uid[CONTAINER_POD_UID_SIZE]; /* with dashes, where it has any */
	/* The innermost unit inside the container, or on the host when there is none. */
	char systemd_unit[CONTAINER_UNIT_SIZE];
};

/*
 * From one cgroup path or its last component. ' (deleted)' at the end, which the
 * kernel adds for a removed cgroup, is ignored. Never fails.
 */
void container_id_parse_path(const char *path, size_t size, struct container_id *ret);

/*
 * From the text of /proc/PID/cgroup: lines "N:controllers:path" (v1) and "0::path"
 * (v2), see cgroups(7). Taken is the line that names a container, else a pod, else
 * a unit; among equals v2, then memory, pids, cpu, any. Malformed lines are skipped.
 */
void container_id_parse_text(const char *text, size_t size, struct container_id *ret);
