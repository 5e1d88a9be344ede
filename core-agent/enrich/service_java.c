/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "service_rules.h"
#include "service_words.h"

/* The java(1) options whose value is the next word. */
static const char *const value_options[] = {
	"-cp", "-classpath", "--class-path", "-p", "--module-path", "--add-modules",
	"--add-exports", "--add-opens", "--add-reads", "--patch-module",
	"--upgrade-module-path", "--limit-modules", "--source", "--enable-native-access",
};

/* Best first. */
static const char *const properties[] = {
	"-Ddd.service=", "-Dotel.service.name=", "-Dservice.name=", "-Dspring.application.name=",
	"--spring.application.name=",
};

/* Classes that say nothing of what they run, or say it otherwise. */
static const struct {
	const char *class_name;
	const char *service; /* NULL: nothing */
} launchers[] = {
	{ "org.apache.catalina.startup.Bootstrap", "tomcat" },
	{ "org.elasticsearch.bootstrap.Elasticsearch", "elasticsearch" },
	{ "org.apache.cassandra.service.CassandraDaemon", "cassandra" },
	{ "org.apache.zookeeper.server.quorum.QuorumPeerMain", "zookeeper" },
	{ "org.springframework.boot.loader.JarLauncher", NULL },
	{ "org.springframework.boot.loader.launch.JarLauncher", NULL },
	{ "kafka.Kafka", "kafka" },
};

static bool takes_value(const char *option)
{
	for (size_t i = 0; i < sizeof(value_options) / sizeof(*value_options); i++)
		if (strcmp(value_options[i], option) == 0)
			return true;
	return false;
}

static bool find_property(const struct service_command *command, char out[SERVICE_NAME_BYTES])
{
	for (size_t i = 0; i < sizeof(properties) / sizeof(*properties); i++) {
		size_t size = strlen(properties[i]);

		for (size_t at = command->at + 1; at < command->n; at++)
			if (strncmp(command->words[at], properties[i], size) == 0 &&
			    service_copy(command->words[at] + size,
					 strlen(command->words[at] + size), out))
				return true;
	}
	return false;
}

static bool name_of_class(const char *class_name, char out[SERVICE_NAME_BYTES])
{
	const char *dot = strrchr(class_name, '.');
	const char *last = dot ? dot + 1 : class_name;

	for (size_t i = 0; i < sizeof(launchers) / sizeof(*launchers); i++) {
		const char *service = launchers[i].service;

		if (strcmp(launchers[i].class_name, class_name) == 0)
			return service && service_copy(service, strlen(service), out);
	}
	return service_copy(last, strlen(last), out);
}

/* MODULE or MODULE/CLASS */
static bool name_of_module(const char *module, char out[SERVICE_NAME_BYTES])
{
	const char *slash = strchr(module, '/');

	return name_of_class(slash ? slash + 1 : module, out);
}

static bool find_main(const struct service_command *command, char out[SERVICE_NAME_BYTES])
{
	for (size_t i = command->at + 1; i < command->n; i++) {
		const char *word = command->words[i];
		const char *value = i + 1 < command->n ? command->words[i + 1] : "";

		if (strcmp(word, "-jar") == 0)
			return service_archive_name(value, out);
		if (strcmp(word, "-m") == 0 || strcmp(word, "--module") == 0)
			return name_of_module(value, out);
		if (word[0] != '-' && word[0] != '@')
			return name_of_class(word, out);
		i += takes_value(word);
	}
	return false;
}

enum service_step service_find_java(struct service_command *command,
				    const struct service_rule *rule, char out[SERVICE_NAME_BYTES])
{
	(void)rule;
	return find_property(command, out) || find_main(command, out) ? SERVICE_NAMED
								      : SERVICE_NOTHING;
}
