// SPDX-License-Identifier: GPL-3.0-or-later
#include "options.h"

#include "unit.h"

enum { MAX_WORDS = 16 };

/* Words divided by blanks, after "heapsh". */
static struct hs_err *parse(struct sh_options *o, const char *line)
{
	static char words[256];
	static char *argv[MAX_WORDS];
	int argc = 0;
	char *p, *save = NULL;

	snprintf(words, sizeof(words), "heapsh %s", line);
	for (p = strtok_r(words, " ", &save); p && argc < MAX_WORDS - 1;
	     p = strtok_r(NULL, " ", &save))
		argv[argc++] = p;
	argv[argc] = NULL;
	memset(o, 0, sizeof(*o));
	return sh_options_parse(o, argc, argv);
}

static void assert_parses(struct sh_options *o, const char *line)
{
	struct hs_err *err = parse(o, line);

	if (err)
		fail_msg("%s: %s", line, err->message);
}

static void assert_answers(const char *line, const char *why,
			   const char *remedy)
{
	struct sh_options o;
	struct hs_err *err = parse(&o, line);

	if (!err)
		fail_msg("%s is taken", line);
	assert_int_equal(err->code, HS_ERR_USAGE);
	assert_string_equal(err->message, why);
	assert_string_equal(err->remedy, remedy);
	hs_err_free(err);
	sh_options_deinit(&o);
}

static void assert_refuses(const char *line, const char *why)
{
	assert_answers(line, why, "heapsh --help");
}

static void options_stand_before_and_after_the_command(void **state)
{
	struct sh_options o;

	(void)state;
	assert_parses(&o, "-q attach -f json 4711 -e heap --eval=_.more -xs");
	assert_int_equal(o.mode, SH_ATTACH);
	assert_string_equal(o.target, "4711");
	assert_int_equal(o.format, VW_JSON);
	assert_true(o.quiet);
	assert_int_equal(o.inputs.n, 3);
	assert_string_equal(o.inputs.v[0].text, "heap");
	assert_string_equal(o.inputs.v[1].text, "_.more");
	assert_string_equal(o.inputs.v[2].text, "s");
	assert_false(o.inputs.v[1].is_file);
	assert_true(o.inputs.v[2].is_file);
	sh_options_deinit(&o);
}

static void what_follows_prog_is_the_programs(void **state)
{
	struct sh_options o;

	(void)state;
	assert_parses(&o, "run -q prog -e --color");
	assert_int_equal(o.mode, SH_RUN);
	assert_int_equal(o.inputs.n, 0);
	assert_string_equal(o.argv[0], "prog");
	assert_string_equal(o.argv[1], "-e");
	assert_string_equal(o.argv[2], "--color");
	assert_null(o.argv[3]);
	sh_options_deinit(&o);
	assert_parses(&o, "run -- -odd -x");
	assert_string_equal(o.argv[0], "-odd");
	sh_options_deinit(&o);
}

static void every_option_arrives(void **state)
{
	struct sh_options o;

	(void)state;
	assert_parses(&o, "demo --stop-on-error --max-pause 50ms "
			  "--plugin-path a --plugin-path=b --plugin c "
			  "--color=never --no-pager");
	assert_int_equal(o.mode, SH_DEMO);
	assert_true(o.stop_on_error);
	assert_null(o.rung);
	assert_int_equal(o.max_pause_ns, 50000000);
	assert_int_equal(o.plugin_dirs.n, 2);
	assert_string_equal(o.plugin_dirs.v[1], "b");
	assert_string_equal(o.plugins.v[0], "c");
	assert_int_equal(o.color, SH_NEVER);
	assert_true(o.no_pager);
	sh_options_deinit(&o);
}

static void no_command_is_a_shell_that_is_not_attached(void **state)
{
	struct sh_options o;

	(void)state;
	assert_parses(&o, "");
	assert_int_equal(o.mode, SH_NONE);
	assert_parses(&o, "attach --help");
	assert_int_equal(o.mode, SH_HELP);
	assert_parses(&o, "-V");
	assert_int_equal(o.mode, SH_VERSION);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	assert_refuses("attach", "attach: PID or NAME is missing");
	assert_refuses("open", "open: FILE is missing");
	assert_refuses("attach 1 2", "attach: '2' is one word too many");
	assert_refuses("demo 1", "demo: '1' is one word too many");
	assert_refuses("opem x", "'opem' is no command; 'open' is");
	assert_answers("examine", "'examine' is no command: there are attach, "
				  "run, open, plugin-check, demo, doctor",
		       "heapsh attach examine, heapsh run examine, or heapsh "
		       "--help");
	assert_answers("4711", "'4711' is no command", "heapsh attach 4711");
	assert_answers("./core.4711", "'./core.4711' is no command",
		       "heapsh open ./core.4711");
	assert_answers("./app x", "'./app' is no command",
		       "heapsh run ./app");
	assert_answers("-p 12", "-p is no option", "heapsh attach PID");
	assert_refuses("plugin-check", "plugin-check: FILE is missing");
	assert_refuses("plugin-check 1 2 3",
		       "plugin-check: '3' is one word too many");
	assert_refuses("--evil x", "--evil is no option; --eval is");
	assert_refuses("--zzzzzzz=3", "--zzzzzzz is no option");
	assert_refuses("-qz", "-qz is no option");
	assert_refuses("--eval", "--eval: COMMAND is missing");
	assert_refuses("-x", "-x: FILE is missing");
	assert_refuses("--quiet=yes", "--quiet takes no value");
	assert_refuses("-f yaml", "--format yaml: it is text, json or csv");
	assert_refuses("--color red",
		       "--color red: it is auto, always or never");
	assert_refuses("--max-pause 0",
		       "--max-pause 0: it is a time such as 50ms or 2s");
}

static void help_names_every_command(void **state)
{
	HS_FREE char *help = sh_options_help(NULL);

	(void)state;
	assert_non_null(strstr(help, "heapsh attach PID|NAME [options]"));
	assert_non_null(strstr(help, "heapsh demo"));
	assert_non_null(strstr(help, "-e, --eval COMMAND"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_before_and_after_the_command),
		cmocka_unit_test(what_follows_prog_is_the_programs),
		cmocka_unit_test(every_option_arrives),
		cmocka_unit_test(no_command_is_a_shell_that_is_not_attached),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(help_names_every_command),
	};
	return UNIT_RUN(tests);
}
