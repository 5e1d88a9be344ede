/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel and the host must have. */
#include "diagnose.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cleanup.h"
#include "settings.h"

#define MAX_PATH 512
#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define BTF_MAGIC 0xeb9f /* include/uapi/linux/btf.h */
#define FOR_BPF 5, 12	   /* where the BPF programs load; sock_diag does without them */
#define FOR_SOCK_DIAG 4, 4
#define BIT(capability) (UINT64_C(1) << (capability))

static const char *probe_text(const struct diagnosis *diagnosis, const char *name)
{
	const char *text = json_string_value(json_object_get(diagnosis->probe_status, name));

	return text ? text : "-";
}

/* The first line of a small file. 0 or negative errno. */
static int read_line(const struct diagnosis *diagnosis, const char *path, char *out, size_t size)
{
	char whole[MAX_PATH];
	CLEANUP_FCLOSE FILE *file = NULL;

	(void)snprintf(whole, sizeof(whole), "%s%s", diagnosis->root, path); /* ours: fits */
	file = fopen(whole, "re");
	if (!file)
		return -errno;
	if (!fgets(out, (int)size, file))
		return -ENODATA;
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

static bool is_older(int major, int minor, int than_major, int than_minor)
{
	return major < than_major || (major == than_major && minor < than_minor);
}

void check_kernel(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	struct utsname name;
	int major = 0, minor = 0;

	if (uname(&name) < 0 || sscanf(name.release, "%d.%d", &major, &minor) != 2)
		diagnose_warn(ret, "the kernel does not say its version\nlook at uname -r");
	else if (diagnosis->probe_status)
		diagnose_pass(ret, "Linux %s, in use by system-probe: tier %s", name.release,
			      probe_text(diagnosis, "tier"));
	else if (is_older(major, minor, FOR_SOCK_DIAG))
		diagnose_fail(ret, "Linux %s is older than 4.4\nuse Linux 5.12 or newer",
			      name.release);
	else if (is_older(major, minor, FOR_BPF))
		diagnose_warn(ret, "Linux %s is older than 5.12: sockets are read by sock_diag, "
				   "which tells less\nuse Linux 5.12 or newer", name.release);
	else
		diagnose_pass(ret, "Linux %s", name.release);
}

void check_btf(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	char path[MAX_PATH];
	uint16_t magic = 0;
	CLEANUP_CLOSE int fd = -1;

	(void)snprintf(path, sizeof(path), "%s" BTF_PATH, diagnosis->root); /* ours: fits */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		diagnose_warn(ret, BTF_PATH ": %s, so sockets are read by sock_diag, which tells "
				   "less\nuse a kernel with CONFIG_DEBUG_INFO_BTF=y; in a "
				   "container, mount /sys", strerror(errno));
	else if (read(fd, &magic, sizeof(magic)) != sizeof(magic) || magic != BTF_MAGIC)
		diagnose_warn(ret, BTF_PATH " holds no BTF, so sockets are read by sock_diag\n"
				   "see what is mounted over it: findmnt " BTF_PATH);
	else
		diagnose_pass(ret, BTF_PATH);
}

void check_capabilities(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	static const struct {
		const char *name;
		uint64_t bit;
	} wanted[] = {{"CAP_BPF", BIT(CAP_BPF)},
		      {"CAP_PERFMON", BIT(CAP_PERFMON)},
		      {"CAP_NET_ADMIN", BIT(CAP_NET_ADMIN)},
		      {"CAP_SYS_RESOURCE", BIT(CAP_SYS_RESOURCE)},
		      {"CAP_SYS_PTRACE", BIT(CAP_SYS_PTRACE)}};
	char missing[DIAGNOSE_TEXT_BYTES] = "";
	size_t size = 0;

	if (diagnosis->probe_status) {
		diagnose_pass(ret, "system-probe has loaded its programs");
		return;
	}
	if (diagnosis->bounding == 0) {
		diagnose_warn(ret, "not known: this process may have none itself\nrun core-agent "
				   "diagnose as root, where system-probe is to run");
		return;
	}
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (!(diagnosis->bounding & (wanted[i].bit | BIT(CAP_SYS_ADMIN))))
			size += (size_t)snprintf(missing + size, sizeof(missing) - size, " %s",
						 wanted[i].name); /* fits */
	if (size == 0)
		diagnose_pass(ret, "root may have what system-probe needs, here");
	else
		diagnose_warn(ret, "not to be had here:%s\nwhere this is also system-probe's "
				   "container, add them to its securityContext", missing);
}

/* "none integrity [confidentiality]" */
static bool is_chosen(const char *line, const char *word)
{
	const char *open = strchr(line, '[');

	return open && strncmp(open + 1, word, strlen(word)) == 0;
}

void check_lsm(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	char lockdown[128] = "", modules[128] = "", enforce[8] = "";
	bool is_enforcing;

	(void)read_line(diagnosis, "/sys/kernel/security/lockdown", lockdown, sizeof(lockdown));
	(void)read_line(diagnosis, "/sys/kernel/security/lsm", modules, sizeof(modules));
	(void)read_line(diagnosis, "/sys/fs/selinux/enforce", enforce, sizeof(enforce));
	is_enforcing = enforce[0] == '1';
	if (is_chosen(lockdown, "confidentiality"))
		diagnose_warn(ret, "the kernel is locked down (confidentiality): command lines come "
				   "from /proc, those of short processes not at all\nboot with "
				   "lockdown=integrity, if that is acceptable");
	else if (is_enforcing && !diagnosis->probe_status)
		diagnose_warn(ret, "SELinux enforces, and system-probe does not answer\nlook for "
				   "denials: ausearch -m avc -c system-probe");
	else if (!*modules && !*lockdown)
		diagnose_pass(ret, "no security module shows itself%s",
			      is_enforcing ? " but SELinux" : "");
	else
		diagnose_pass(ret, "%s%s", *modules ? modules : "lockdown ", *modules ? "" : lockdown);
}

/* What the probe has to do without, in its own words. */
void check_hooks(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	const json_t *hooks = json_object_get(diagnosis->probe_status, "hooks");
	const char *without = NULL;
	size_t n_without = 0;

	if (!diagnosis->probe_status) {
		diagnose_warn(ret, "not known: system-probe does not answer\nsee the check socket");
		return;
	}
	for (size_t i = 0; i < json_array_size(hooks); i++) {
		const json_t *text = json_object_get(json_array_get(hooks, i), "without");

		n_without += json_is_string(text);
		without = json_is_string(text) ? json_string_value(text) : without;
	}
	if (n_without > 0)
		diagnose_warn(ret, "%zu of %zu hooks are not there: %s\nsystem-probe's log says why "
				   "each was refused", n_without, json_array_size(hooks), without);
	else
		diagnose_pass(ret, "all %zu are there", json_array_size(hooks));
}

/* Of any process but one's own: hidepid hides them. */
static bool sees_others(const char *procfs)
{
	char path[MAX_PATH];

	(void)snprintf(path, sizeof(path), "%s/1/stat", procfs); /* cut: then it fails */
	return access(path, R_OK) == 0;
}

void check_mounts(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	const char *procfs = diagnosis->settings->procfs_path;
	struct statfs status;

	if (statfs(procfs, &status) < 0)
		diagnose_fail(ret, "%s: %s\nmount the host's /proc there, or set procfs_path", procfs,
			      strerror(errno));
	else if (status.f_type != PROC_SUPER_MAGIC)
		diagnose_fail(ret, "%s is no procfs\nmount the host's /proc there, or set procfs_path",
			      procfs);
	else if (!sees_others(procfs))
		diagnose_warn(ret, "%s hides the processes of others\nmount it without hidepid, or "
				   "with gid= of a group of the agent's user", procfs);
	else
		diagnose_pass(ret, "%s", procfs);
}

void check_cgroup(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	char path[MAX_PATH];
	struct mntent *entry;
	bool is_there = false;
	FILE *mounts;

	(void)snprintf(path, sizeof(path), "%s/proc/self/mounts", diagnosis->root); /* fits */
	mounts = setmntent(path, "re");
	while (mounts && !is_there && (entry = getmntent(mounts)))
		if (strcmp(entry->mnt_type, "cgroup2") == 0) {
			is_there = true;
			diagnose_pass(ret, "cgroup v2 at %s", entry->mnt_dir);
		}
	if (mounts)
		(void)endmntent(mounts); /* always 1 */
	if (!is_there)
		diagnose_warn(ret, "no cgroup v2 hierarchy is mounted: no UDP in the tier tracepoint\n"
				   "mount -t cgroup2 none /sys/fs/cgroup/unified; in a container, mount "
				   "the host's /sys/fs/cgroup");
}

void check_conntrack(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	char line[32];
	unsigned long long count, max;
	int r = read_line(diagnosis, "/proc/sys/net/netfilter/nf_conntrack_count", line, sizeof(line));

	if (r < 0 || sscanf(line, "%llu", &count) != 1) {
		diagnose_pass(ret, "no connection tracking here: nothing is translated");
		return;
	}
	r = read_line(diagnosis, "/proc/sys/net/netfilter/nf_conntrack_max", line, sizeof(line));
	if (r < 0 || sscanf(line, "%llu", &max) != 1 || max == 0)
		diagnose_pass(ret, "%llu connections tracked", count);
	else if (count >= max)
		diagnose_fail(ret, "the table is full, %llu of %llu: the kernel drops new connections\n"
				   "sysctl -w net.netfilter.nf_conntrack_max=%llu", count, max, 2 * max);
	else if (count / 9 >= max / 10 && count > 9)
		diagnose_warn(ret, "the table is nearly full, %llu of %llu\n"
				   "sysctl -w net.netfilter.nf_conntrack_max=%llu", count, max, 2 * max);
	else
		diagnose_pass(ret, "%llu of %llu connections tracked", count, max);
}
