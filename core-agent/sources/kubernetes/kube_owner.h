/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who made a pod, and who made that: by the rules that Kubernetes names things with. Pure. */

struct tag_list;

/*
 * Tags of the pod's controller, `kind` and `name` as in its owner reference:
 * kube_ownerref_kind (lower case), kube_ownerref_name, and the one of its kind
 * (kube_replica_set, kube_stateful_set, kube_daemon_set, kube_job,
 * kube_replication_controller), plus what made that:
 *
 * - kube_deployment: a ReplicaSet is named DEPLOYMENT-HASH, where HASH is the pod's label
 *   pod-template-hash (`template_hash`, NULL without), which only a Deployment sets;
 * - kube_cronjob: a Job is named CRONJOB-TIME, the time it was due in minutes since 1970
 *   (from Kubernetes 1.21 on), or in seconds. A date such as 20240101 is no such time.
 */
void kube_owner_add_tags(struct tag_list *list, const char *kind, const char *name,
			 const char *template_hash);
