/* SPDX-License-Identifier: Apache-2.0 */
/* The decision about a connect, and --only and --exclude that it depends on. */
#include "proxy/rules.h"
#include "tests/unit/cmocka.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { NETNS = 7, PROXY_PORT = 15000 };

static struct redirect_address address_of(const char *text)
{
	struct redirect_address address = { { 0 } };
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return redirect_from_ipv4(v4.s_addr);
	assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return address;
}

static struct redirect_settings settings_of(bool replay)
{
	return (struct redirect_settings){
		.config = { .netns_cookie = NETNS, .proxy_port = PROXY_PORT, .replay = replay },
	};
}

static struct redirect_ask ask_of(const char *address, uint16_t port)
{
	return (struct redirect_ask){ .address = address_of(address),
				      .netns_cookie = NETNS,
				      .port = port,
				      .protocol = REDIRECT_PROTOCOL_TCP };
}

static void check(const struct redirect_settings *settings, const struct redirect_ask *ask,
		  enum redirect_verdict verdict, enum redirect_reason reason)
{
	struct redirect_decision decision =
		redirect_decide(&settings->config, settings->rules, ask);

	assert_int_equal(decision.verdict, verdict);
	assert_int_equal(decision.reason, reason);
}

/* What is left alone while recording and refused in replay. */
static void check_both(const struct redirect_ask *ask, enum redirect_reason reason)
{
	struct redirect_settings record = settings_of(false);
	struct redirect_settings replay = settings_of(true);

	check(&record, ask, REDIRECT_PASS, reason);
	check(&replay, ask, REDIRECT_REFUSE, reason);
}

static void test_addresses(void **state)
{
	static const char *const loopback[] = { "127.0.0.1", "127.255.0.9", "0.0.0.0", "::1",
						"::" };
	static const char *const other[] = { "128.0.0.1", "126.0.0.1", "::2",	   "::127.0.0.1",
					     "1::1",	  "10.0.0.1",  "::1:0:0:0" };
	struct redirect_address address;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(loopback); i++) {
		address = address_of(loopback[i]);
		assert_true(redirect_is_loopback(&address));
	}
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		address = address_of(other[i]);
		assert_false(redirect_is_loopback(&address));
	}
	address = address_of("febf::1");
	assert_true(redirect_is_link_local(&address));
	address = address_of("fec0::1");
	assert_false(redirect_is_link_local(&address));
}

static void test_endpoints(void **state)
{
	static const char *const hosts[] = { "10.0.0.5", "2001:db8::1", "127.0.0.1", "::1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct redirect_settings record = settings_of(false);
		struct redirect_settings replay = settings_of(true);
		struct redirect_ask ask = ask_of(hosts[i], 5432);

		check(&record, &ask, REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
		check(&replay, &ask, REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
		/* Without the proxy recording fails open, replay closed. */
		ask.proxy_is_gone = true;
		check(&record, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_GONE);
		check(&replay, &ask, REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
	}
}

/* Where the kernel will refuse it is left to do so, unless --only names the place. */
static void test_nobody_listens(void **state)
{
	struct redirect_settings record = settings_of(false);
	struct redirect_settings replay = settings_of(true);
	struct redirect_ask ask = ask_of("127.0.0.1", 8080);
	char error[RULES_ERROR_BYTES] = "";
	const char *only = ":8080";

	(void)state;
	ask.nobody_listens = true;
	check(&record, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_NOBODY);
	check(&replay, &ask, REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
	assert_int_equal(
		rules_read(&(struct options){ .only = &only, .n_only = 1 }, &record, error), 0);
	check(&record, &ask, REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
}

static void test_self(void **state)
{
	struct redirect_settings settings = settings_of(true);
	struct redirect_ask ask = ask_of("127.0.0.1", 8080);

	(void)state;
	ask.listener_is_ours = true;
	check(&settings, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_SELF);
	/* Also where the proxy cannot be reached: nothing leaves. */
	ask.netns_cookie = NETNS + 1;
	check(&settings, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_SELF);
	ask.netns_cookie = NETNS;
	settings.config.record_self = 1;
	check(&settings, &ask, REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
	settings.config.record_self = 0;
	/* A wildcard listener is found for every address with its port. */
	ask.address = address_of("203.0.113.5");
	check(&settings, &ask, REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
	ask.destination_is_host = true;
	check(&settings, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_SELF);
}

static void test_unreachable(void **state)
{
	struct redirect_ask ask = ask_of("10.0.0.5", 5432);

	(void)state;
	ask.netns_cookie = NETNS + 1;
	check_both(&ask, REDIRECT_BECAUSE_NETNS);
	ask = ask_of("10.0.0.5", 5432);
	ask.bound_device = 2;
	check_both(&ask, REDIRECT_BECAUSE_DEVICE);
	ask = ask_of("fe80::5", 5432);
	check_both(&ask, REDIRECT_BECAUSE_LINK_LOCAL);
}

static void test_proxy_port(void **state)
{
	struct redirect_settings settings = settings_of(false);
	struct redirect_ask ask = ask_of("127.0.0.1", PROXY_PORT);

	(void)state;
	check(&settings, &ask, REDIRECT_REFUSE, REDIRECT_BECAUSE_PROXY);
	ask.address = address_of("::1");
	check(&settings, &ask, REDIRECT_REFUSE, REDIRECT_BECAUSE_PROXY);
	/* The same port elsewhere is another's. */
	ask.address = address_of("10.0.0.5");
	check(&settings, &ask, REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
}

static void test_datagrams(void **state)
{
	struct redirect_settings record = settings_of(false);
	struct redirect_settings replay = settings_of(true);
	struct redirect_ask ask = ask_of("10.0.0.5", 8125);

	(void)state;
	ask.protocol = REDIRECT_PROTOCOL_UDP;
	check_both(&ask, REDIRECT_BECAUSE_NOT_TCP);
	ask.address = address_of("127.0.0.1");
	check(&record, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_NOT_TCP);
	check(&replay, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_LOCAL);
	ask.port = 53;
	check(&record, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_NOT_TCP);
	check(&replay, &ask, REDIRECT_REFUSE, REDIRECT_BECAUSE_DNS);
}

/* ---- --only and --exclude ---- */

static struct redirect_settings read_rules(const char *only, const char *exclude)
{
	struct redirect_settings settings = settings_of(true);
	struct options options = { .mode = MODE_REPLAY,
				   .only = &only,
				   .n_only = only != NULL,
				   .exclude = &exclude,
				   .n_exclude = exclude != NULL };
	char error[RULES_ERROR_BYTES] = "";

	if (rules_read(&options, &settings, error) < 0)
		fail_msg("%s", error);
	return settings;
}

static bool excludes(const char *rule, const char *address, uint16_t port)
{
	struct redirect_settings settings = read_rules(NULL, rule);
	struct redirect_ask ask = ask_of(address, port);
	struct redirect_decision decision = redirect_decide(&settings.config, settings.rules, &ask);

	return decision.verdict == REDIRECT_PASS && decision.reason == REDIRECT_BECAUSE_EXCLUDED;
}

static void test_rule_forms(void **state)
{
	(void)state;
	assert_true(excludes("10.0.0.5", "10.0.0.5", 1));
	assert_false(excludes("10.0.0.5", "10.0.0.6", 1));
	assert_true(excludes("10.0.0.5:5432", "10.0.0.5", 5432));
	assert_false(excludes("10.0.0.5:5432", "10.0.0.5", 5433));
	assert_true(excludes(":5432", "2001:db8::1", 5432));
	assert_false(excludes(":5432", "2001:db8::1", 5431));
	assert_true(excludes(":5000-6000", "10.0.0.5", 5000));
	assert_true(excludes(":5000-6000", "10.0.0.5", 6000));
	assert_false(excludes(":5000-6000", "10.0.0.5", 6001));
	assert_false(excludes(":5000-6000", "10.0.0.5", 4999));
	assert_true(excludes("10.1.2.3/8", "10.200.0.1", 1));
	assert_false(excludes("10.0.0.0/8", "11.0.0.1", 1));
	assert_true(excludes("10.0.0.0/31:80-81", "10.0.0.1", 81));
	assert_false(excludes("10.0.0.0/31:80-81", "10.0.0.2", 81));
	assert_true(excludes("0.0.0.0/0", "10.0.0.1", 1));
	assert_false(excludes("0.0.0.0/0", "2001:db8::1", 1));
	assert_true(excludes("2001:db8::1", "2001:db8::1", 1));
	assert_true(excludes("2001:db8::/32", "2001:db8:9::1", 1));
	assert_false(excludes("2001:db8::/33", "2001:db8:8000::1", 1));
	assert_true(excludes("[2001:db8::1]:80", "2001:db8::1", 80));
	assert_false(excludes("[2001:db8::1]:80", "2001:db8::1", 81));
	assert_true(excludes("[2001:db8::/32]:80-90", "2001:db8:9::1", 85));
	assert_true(excludes("[2001:db8::1]", "2001:db8::1", 81));
	assert_true(excludes("localhost:80", "127.0.0.1", 80));
}

static void test_only(void **state)
{
	struct redirect_settings settings = read_rules("10.0.0.0/8", "10.0.0.5");
	struct redirect_ask ask = ask_of("10.0.0.4", 5432);

	(void)state;
	check(&settings, &ask, REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
	ask.address = address_of("10.0.0.5");
	check(&settings, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_EXCLUDED);
	ask.address = address_of("11.0.0.5");
	check(&settings, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_NOT_NAMED);
	/* The user's word stands for datagrams, DNS and other namespaces too. */
	ask.protocol = REDIRECT_PROTOCOL_UDP;
	ask.port = 53;
	check(&settings, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_NOT_NAMED);
	ask.netns_cookie = NETNS + 1;
	check(&settings, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_NOT_NAMED);
}

/* The last of as many rules as there may be still counts, and what lies behind them does not. */
static void test_rules_full(void **state)
{
	struct redirect_settings settings = settings_of(false);
	struct redirect_ask ask = ask_of("10.0.0.5", 0);
	const char *rules[REDIRECT_MAX_RULES + 1];
	char texts[REDIRECT_MAX_RULES + 1][16];
	struct options options = { .exclude = rules, .n_exclude = REDIRECT_MAX_RULES };
	char error[RULES_ERROR_BYTES] = "";

	(void)state;
	check(&settings, &ask, REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
	for (size_t i = 0; i <= REDIRECT_MAX_RULES; i++) {
		snprintf(texts[i], sizeof(texts[i]), ":%zu", 1000 + i);
		rules[i] = texts[i];
	}
	assert_int_equal(rules_read(&options, &settings, error), 0);
	ask.port = 1000 + REDIRECT_MAX_RULES - 1;
	check(&settings, &ask, REDIRECT_PASS, REDIRECT_BECAUSE_EXCLUDED);
	ask.port++;
	check(&settings, &ask, REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
	settings.config.n_rules = 1;
	ask.port--;
	check(&settings, &ask, REDIRECT_TO_PROXY, REDIRECT_BECAUSE_ENDPOINT);
	options.n_exclude++;
	assert_int_equal(rules_read(&options, &settings, error), -E2BIG);
}

static void test_rule_errors(void **state)
{
	static const struct {
		const char *rule;
		int error;
	} cases[] = {
		{ "", -EINVAL },
		{ ":", -EINVAL },
		{ "10.0.0.5:", -EINVAL },
		{ "10.0.0.5:65536", -EINVAL },
		{ "10.0.0.5:+1", -EINVAL },
		{ "10.0.0.5:2-1", -EINVAL },
		{ "10.0.0.5:1-", -EINVAL },
		{ "10.0.0.0/33", -EINVAL },
		{ "10.0.0.0/", -EINVAL },
		{ "/8", -EINVAL },
		{ "/8:80", -EINVAL },
		{ "localhost/8", -EINVAL },
		{ "2001:db8::/129", -EINVAL },
		{ "[2001:db8::1", -EINVAL },
		{ "[2001:db8::1]80", -EINVAL },
		{ "[]:80", -EINVAL },
		{ "5432", -EINVAL },
		{ "99999999999999999999", -EINVAL },
		{ "no-such-name.invalid", -ENOENT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct redirect_settings settings = settings_of(true);
		struct options options = { .mode = MODE_REPLAY,
					   .only = &cases[i].rule,
					   .n_only = 1 };
		char error[RULES_ERROR_BYTES] = "";
		int got = rules_read(&options, &settings, error);

		if (got != cases[i].error)
			fail_msg("%s: %d", cases[i].rule, got);
		assert_non_null(strstr(error, "--only"));
		assert_non_null(strstr(error, cases[i].rule));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),      cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_nobody_listens), cmocka_unit_test(test_self),
		cmocka_unit_test(test_unreachable),    cmocka_unit_test(test_proxy_port),
		cmocka_unit_test(test_datagrams),      cmocka_unit_test(test_rule_forms),
		cmocka_unit_test(test_only),	       cmocka_unit_test(test_rules_full),
		cmocka_unit_test(test_rule_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
