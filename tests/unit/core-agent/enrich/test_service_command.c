/* SPDX-License-Identifier: Apache-2.0 */
#include "service_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "service_rules.h"

static const char *service_of(const char *arguments, size_t size, bool is_cut)
{
	static char name[SERVICE_NAME_BYTES];

	return service_from_command(arguments, size, is_cut, name) ? name : "(none)";
}

/* Words end in \0, the last one by the literal's own. */
#define NAMES(service, words) \
	assert_string_equal(service_of(words, sizeof(words), false), service)
#define NAMES_NONE(words) NAMES("(none)", words)

static void plain_programs_name_no_service(void **state)
{
	(void)state;
	NAMES_NONE("/usr/sbin/sshd\0-D");
	NAMES_NONE("/usr/bin/curl\0http://python");
	NAMES_NONE("");
	NAMES_NONE("\0\0");
	NAMES_NONE("pythonista\0shop.py");
	assert_string_equal(service_of(NULL, 0, false), "(none)");
}

static void python_runs_scripts_and_modules(void **state)
{
	(void)state;
	NAMES("redis_exporter", "python3\0/srv/redis_exporter.py\0--port\0" "1");
	NAMES("shop", "/usr/bin/python3.11\0-u\0-W\0ignore\0-Xdev\0/opt/shop");
	NAMES("http.server", "python3\0-m\0http.server\0" "8000");
	NAMES("shop.web", "python\0-um\0shop.web");
	NAMES("shop", "python2.7\0-mshop");
	NAMES("shop", "pypy3\0shop.py");
	NAMES("shop", "python3\0--check-hash-based-pycs\0always\0shop.py");
	NAMES_NONE("python3\0-c\0import x\0shop.py");
	NAMES_NONE("python3");
	NAMES_NONE("python3\0-");
}

static void names_that_say_nothing_give_way_to_their_folder(void **state)
{
	(void)state;
	NAMES("shop", "python3\0/srv/shop/manage.py\0runserver");
	NAMES("shop", "node\0/srv/shop/dist/index.js");
	NAMES("shop", "node\0/srv/shop/src/bin/www");
	NAMES("shop", "node\0/srv/shop/.next/server/main.mjs");
	NAMES("main", "python3\0main.py");
	NAMES("server", "node\0/app/server.js");
	NAMES("app", "python3\0/srv/app/app.pyc");
}

static void node_runs_scripts_and_packages(void **state)
{
	(void)state;
	NAMES("mailer", "node\0--max-old-space-size=4096\0-r\0dotenv/config\0mailer.js");
	NAMES("mailer", "/usr/bin/nodejs\0--import\0./otel.mjs\0mailer.cjs");
	NAMES("mailer", "node18\0--require\0x\0mailer.js");
	NAMES("shop", "node\0/srv/shop/node_modules/.bin/next\0start");
	NAMES("shop", "node\0/opt/shop/node_modules/next/dist/bin/next");
	NAMES("pm2", "node\0/usr/lib/node_modules/pm2/lib/Daemon.js");
	NAMES("cli", "node\0/usr/local/lib/node_modules/@scope/cli/bin/x.js");
	NAMES("mailer", "ts-node\0-P\0tsconfig.json\0mailer.ts");
	NAMES("mailer", "tsx\0mailer.ts");
	NAMES_NONE("node\0-e\0code\0x.js");
	NAMES_NONE("nodejs\0--eval\0code\0x.js");
}

static void other_interpreters_run_scripts(void **state)
{
	(void)state;
	NAMES("worker", "ruby\0-I\0lib\0-r\0bundler/setup\0worker.rb");
	NAMES("shop", "ruby3.1\0/srv/shop/bin/rails\0server");
	NAMES("sidekiq", "ruby\0/usr/bin/sidekiq\0-q\0mail");
	NAMES_NONE("ruby\0-e\0code\0x.rb");
	NAMES("spamd", "/usr/bin/perl\0-T\0-w\0/usr/sbin/spamd\0-d");
	NAMES("x", "perl\0-I\0lib\0x.pl");
	NAMES_NONE("perl\0-E\0code\0x.pl");
	NAMES("shop", "php8.2\0-d\0memory_limit=1G\0/srv/shop/artisan\0queue:work");
	NAMES_NONE("php\0-r\0code\0x.php");
	NAMES("model", "Rscript\0--vanilla\0/srv/model.R");
	NAMES("Shop", "mono\0--debug\0/srv/Shop.exe");
}

static void shells_run_scripts_and_simple_commands(void **state)
{
	(void)state;
	NAMES("backup", "/bin/bash\0-e\0-o\0pipefail\0/usr/local/bin/backup.sh");
	NAMES("backup", "-bash\0backup.sh");
	NAMES("backup", "dash\0/srv/backup");
	NAMES("backup", "ash\0-x\0backup.sh");
	NAMES("backup", "zsh\0backup.sh");
	NAMES("backup", "ksh\0backup.sh");
	NAMES("nginx", "sh\0-c\0exec nginx -g 'daemon off;'");
	NAMES("shop", "/bin/sh\0-c\0cd /srv && exec gunicorn -b 0.0.0.0:80 shop.wsgi");
	NAMES("shop", "bash\0-ec\0set -e; A=1 python3 \"/srv/shop.py\"");
	NAMES_NONE("sh\0-c\0cat x | python3 shop.py");
	NAMES_NONE("sh\0-c\0$PROGRAM shop.py");
	NAMES_NONE("sh\0-c\0sh -c shop");
	NAMES_NONE("sh\0-c\0");
	NAMES_NONE("sh\0-c");
	NAMES_NONE("-bash");
}

static void java_runs_archives_classes_and_modules(void **state)
{
	(void)state;
	NAMES("shop", "java\0-Xmx1g\0-jar\0/srv/shop-1.2.3-SNAPSHOT.jar\0--x");
	NAMES("shop-api", "/usr/lib/jvm/java-17/bin/java\0-jar\0shop-api.war");
	NAMES("Server", "java\0-cp\0a.jar:b.jar\0-ea\0com.shop.Server\0Other");
	NAMES("Server", "java\0--add-opens\0java.base/java.lang=ALL\0com.shop.Server");
	NAMES("Main", "java\0-p\0mods\0-m\0com.shop/com.shop.Main");
	NAMES("tomcat", "java\0-classpath\0x\0org.apache.catalina.startup.Bootstrap\0start");
	NAMES("elasticsearch", "java\0-m\0s/org.elasticsearch.bootstrap.Elasticsearch");
	NAMES("cassandra", "java\0org.apache.cassandra.service.CassandraDaemon");
	NAMES("zookeeper", "java\0org.apache.zookeeper.server.quorum.QuorumPeerMain");
	NAMES("kafka", "java\0kafka.Kafka\0x.properties");
	NAMES_NONE("java\0org.springframework.boot.loader.JarLauncher");
	NAMES_NONE("java\0org.springframework.boot.loader.launch.JarLauncher");
	NAMES_NONE("java\0-version");
	NAMES_NONE("java\0-jar");
}

static void java_properties_name_a_service_best_first(void **state)
{
	(void)state;
	NAMES("a", "java\0-Dspring.application.name=d\0-Dservice.name=c\0"
		   "-Dotel.service.name=b\0-Ddd.service=a\0-jar\0x.jar");
	NAMES("b", "java\0-Dservice.name=c\0-Dotel.service.name=b\0-jar\0x.jar");
	NAMES("c", "java\0-Dspring.application.name=d\0-Dservice.name=c\0-jar\0x.jar");
	NAMES("d", "java\0-Dspring.application.name=d\0-jar\0x.jar");
	NAMES("e", "java\0-jar\0x.jar\0--spring.application.name=e");
	NAMES("x", "java\0-Ddd.service=\0-jar\0x.jar");
}

static void dotnet_and_erlang_have_forms_of_their_own(void **state)
{
	(void)state;
	NAMES("Shop.Api", "dotnet\0/srv/Shop.Api.dll\0--urls\0http://*");
	NAMES("Shop", "dotnet\0exec\0--depsfile\0x.json\0Shop.dll");
	NAMES("Shop", "dotnet\0run\0--project\0/srv/Shop");
	NAMES_NONE("dotnet\0build");
	NAMES("rabbit", "/usr/lib/erlang/erts-13/bin/beam.smp\0-W\0w\0--\0-sname\0rabbit@host");
	NAMES("shop", "beam.smp\0-name\0shop@10.0.0.1");
	NAMES_NONE("beam.smp\0-W\0w");
}

static void application_servers_name_their_application(void **state)
{
	(void)state;
	NAMES("shop", "gunicorn\0-w\0" "4\0-b\0" "0.0.0.0:80\0--timeout\0" "30\0"
		      "shop.wsgi:application");
	NAMES("front", "gunicorn\0--name=front\0shop.wsgi");
	NAMES("front", "gunicorn\0-n\0front\0shop.wsgi");
	NAMES("shop", "/srv/venv/bin/python3\0/srv/venv/bin/gunicorn\0shop.wsgi");
	NAMES("shop", "python3\0-m\0gunicorn\0shop.wsgi");
	NAMES("main", "uvicorn\0--host\0" "0.0.0.0\0main:app");
	NAMES("shop", "hypercorn\0-b\0" "0.0.0.0:80\0shop.asgi:app");
	NAMES("shop", "granian\0--interface\0asgi\0shop:app");
	NAMES("shop", "daphne\0-p\0" "80\0shop.asgi:application");
	NAMES("shop", "python3\0/usr/bin/celery\0-A\0shop.tasks\0worker");
	NAMES("shop", "celery\0--app=shop\0worker");
	NAMES("shop", "flask\0--app\0/srv/shop.py\0run");
	NAMES("shop", "uwsgi\0--http\0:80\0--module\0shop.wsgi:app");
	NAMES("shop", "uwsgi\0--wsgi-file\0/srv/shop/wsgi.py");
	NAMES("shop", "uwsgi\0--ini\0/etc/uwsgi/shop.ini");
	NAMES("front", "uwsgi\0--name\0front\0-w\0shop");
	NAMES_NONE("gunicorn\0--help");
	NAMES_NONE("celery\0status");
}

static void servers_are_known_by_their_titles(void **state)
{
	(void)state;
	NAMES("nginx", "nginx: worker process");
	NAMES("nginx", "nginx: master process /usr/sbin/nginx -g daemon off;");
	NAMES("postgres", "postgres: 15/main: walwriter ");
	NAMES("postgres", "/usr/lib/postgresql/15/bin/postgres\0-D\0/var/lib/postgresql");
	NAMES("php-fpm", "php-fpm: pool www");
	NAMES("redis", "/usr/bin/redis-server 127.0.0.1:6379");
	NAMES("redis", "redis-server\0/etc/redis.conf");
	NAMES("unicorn", "unicorn master -c x.rb");
	NAMES("shop", "gunicorn: worker [shop.wsgi:app]");
	NAMES("shop", "puma 6.4 (tcp://0.0.0.0:3000) [shop]");
	NAMES("shop", "puma: cluster worker 0: 17 [shop]");
	NAMES_NONE("sshd: root [priv]");
	NAMES_NONE("gunicorn: worker");
}

static void wrappers_pass_through(void **state)
{
	(void)state;
	NAMES("shop", "sudo\0-u\0www\0A=1\0python3\0shop.py");
	NAMES("shop", "doas\0-u\0www\0python3\0shop.py");
	NAMES("shop", "env\0-i\0-u\0X\0A=b\0python3\0shop.py");
	NAMES("shop", "nice\0-n\0" "10\0python3\0shop.py");
	NAMES("shop", "ionice\0-c\0" "3\0python3\0shop.py");
	NAMES("shop", "timeout\0--signal=KILL\0-k\0" "5\0" "10m\0python3\0shop.py");
	NAMES("shop", "nohup\0python3\0shop.py");
	NAMES("shop", "setsid\0--wait\0python3\0shop.py");
	NAMES("shop", "stdbuf\0-oL\0-e\0L\0python3\0shop.py");
	NAMES("shop", "time\0-f\0%e\0python3\0shop.py");
	NAMES("shop", "chrt\0--fifo\0" "10\0python3\0shop.py");
	NAMES("shop", "taskset\0-c\0" "0-3\0python3\0shop.py");
	NAMES("shop", "numactl\0-N\0" "0\0--localalloc\0python3\0shop.py");
	NAMES("shop", "chroot\0/srv\0python3\0shop.py");
	NAMES("shop", "gosu\0www\0python3\0shop.py");
	NAMES("shop", "su-exec\0www\0python3\0shop.py");
	NAMES("shop", "setpriv\0--reuid\0" "33\0--clear-groups\0python3\0shop.py");
	NAMES("shop", "/sbin/tini\0-g\0--\0python3\0shop.py");
	NAMES("shop", "/sbin/docker-init\0--\0python3\0shop.py");
	NAMES("shop", "dumb-init\0-r\0" "15:3\0python3\0shop.py");
	NAMES("shop", "catatonit\0--\0python3\0shop.py");
	NAMES("shop", "/bin/sh\0/docker-entrypoint.sh\0python3\0shop.py");
	NAMES("shop", "ddtrace-run\0python3\0shop.py");
	NAMES("shop", "opentelemetry-instrument\0--traces_exporter\0otlp\0python3\0shop.py");
	NAMES("shop", "bundle\0exec\0ruby\0shop.rb");
	NAMES("shop", "poetry\0-C\0/srv\0run\0python3\0shop.py");
	NAMES("shop", "pipenv\0run\0python3\0shop.py");
	NAMES("shop", "uv\0run\0--with\0x\0python3\0shop.py");
	NAMES("curl", "timeout\0" "5\0/usr/bin/curl\0http://x");
	NAMES_NONE("bundle\0install");
	NAMES_NONE("sudo\0-i");
	NAMES_NONE("timeout\0" "5");
}

static void wrappers_that_wrap_each_other_without_end_name_none(void **state)
{
	(void)state;
	NAMES("shop", "sudo\0env\0nice\0nohup\0setsid\0python3\0shop.py");
	NAMES_NONE("env\0env\0env\0env\0env\0env\0env\0env\0env\0python3\0shop.py");
}

static void script_that_is_named_like_a_wrapper_is_a_script(void **state)
{
	(void)state;
	NAMES("time", "python3\0/srv/time.py\0sudo");
}

static void word_that_was_cut_is_not_used(void **state)
{
	static const char words[] = "python3\0/srv/shop-wor";

	(void)state;
	assert_string_equal(service_of(words, sizeof(words) - 1, true), "(none)");
	assert_string_equal(service_of(words, sizeof(words) - 1, false), "shop-wor");
}

static void long_name_is_cut(void **state)
{
	char words[600] = "python3\0";

	(void)state;
	memset(words + 8, 'x', 500);
	assert_int_equal(strlen(service_of(words, 508, false)), SERVICE_NAME_BYTES - 1);
}

static void every_rule_is_found_under_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < service_rules_n; i++)
		assert_ptr_equal(service_rule_find(service_rules[i].program), &service_rules[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_programs_name_no_service),
		cmocka_unit_test(python_runs_scripts_and_modules),
		cmocka_unit_test(names_that_say_nothing_give_way_to_their_folder),
		cmocka_unit_test(node_runs_scripts_and_packages),
		cmocka_unit_test(other_interpreters_run_scripts),
		cmocka_unit_test(shells_run_scripts_and_simple_commands),
		cmocka_unit_test(java_runs_archives_classes_and_modules),
		cmocka_unit_test(java_properties_name_a_service_best_first),
		cmocka_unit_test(dotnet_and_erlang_have_forms_of_their_own),
		cmocka_unit_test(application_servers_name_their_application),
		cmocka_unit_test(servers_are_known_by_their_titles),
		cmocka_unit_test(wrappers_pass_through),
		cmocka_unit_test(wrappers_that_wrap_each_other_without_end_name_none),
		cmocka_unit_test(script_that_is_named_like_a_wrapper_is_a_script),
		cmocka_unit_test(word_that_was_cut_is_not_used),
		cmocka_unit_test(long_name_is_cut),
		cmocka_unit_test(every_rule_is_found_under_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
