/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of words; see words.h. Which are RESERVED follows pg_get_keywords() of PostgreSQL 15 and
 * appendix C of the documentation of 17: all but the unreserved ones, those that need AS as a
 * label, and ROLLUP and CUBE.
 *
 * One list for each first letter: a look-up compares sizes before it compares bytes.
 */
#include "parsers/sql/word_list.h"

#define R SQL_WORD_RESERVED
#define B SQL_WORD_BEFORE
#define A SQL_WORD_AFTER
#define T SQL_WORD_TYPE

/* clang-format off */
static const struct word a_words[] = {
	{ WORD_TEXT("abort"), WORD_ABORT, 0 },
	{ WORD_TEXT("absolute"), WORD_KEYWORD, B },
	{ WORD_TEXT("all"), WORD_ALL, R | B },
	{ WORD_TEXT("alter"), WORD_ALTER, 0 },
	{ WORD_TEXT("analyse"), WORD_KEYWORD, R },
	{ WORD_TEXT("analyze"), WORD_ANALYZE, R },
	{ WORD_TEXT("and"), WORD_AND, R | B | A },
	{ WORD_TEXT("any"), WORD_ANY, R | B },
	{ WORD_TEXT("array"), WORD_ARRAY, R | B },
	{ WORD_TEXT("as"), WORD_AS, R | B | A },
	{ WORD_TEXT("asc"), WORD_KEYWORD, R | A },
	{ WORD_TEXT("asymmetric"), WORD_KEYWORD, R | B },
	{ WORD_TEXT("atomic"), WORD_ATOMIC, 0 },
	{ WORD_TEXT("authorization"), WORD_KEYWORD, R },
};
static const struct word b_words[] = {
	{ WORD_TEXT("backward"), WORD_KEYWORD, B },
	{ WORD_TEXT("begin"), WORD_BEGIN, 0 },
	{ WORD_TEXT("between"), WORD_BETWEEN, R | B },
	{ WORD_TEXT("bigint"), WORD_KEYWORD, R | T },
	{ WORD_TEXT("binary"), WORD_KEYWORD, R },
	{ WORD_TEXT("bit"), WORD_BIT, R | T },
	{ WORD_TEXT("boolean"), WORD_KEYWORD, R | T },
	{ WORD_TEXT("both"), WORD_KEYWORD, R },
	{ WORD_TEXT("by"), WORD_BY, B },
};
static const struct word c_words[] = {
	{ WORD_TEXT("call"), WORD_CALL, B },
	{ WORD_TEXT("case"), WORD_CASE, R | B },
	{ WORD_TEXT("cast"), WORD_CAST, R },
	{ WORD_TEXT("char"), WORD_CHAR, R | T },
	{ WORD_TEXT("character"), WORD_CHARACTER, R | T },
	{ WORD_TEXT("check"), WORD_KEYWORD, R },
	{ WORD_TEXT("close"), WORD_CLOSE, 0 },
	{ WORD_TEXT("coalesce"), WORD_KEYWORD, R },
	{ WORD_TEXT("collate"), WORD_KEYWORD, R },
	{ WORD_TEXT("collation"), WORD_KEYWORD, R },
	{ WORD_TEXT("column"), WORD_KEYWORD, R },
	{ WORD_TEXT("comment"), WORD_COMMENT, 0 },
	{ WORD_TEXT("commit"), WORD_COMMIT, 0 },
	{ WORD_TEXT("concurrently"), WORD_KEYWORD, R },
	{ WORD_TEXT("connection"), WORD_CONNECTION, 0 },
	{ WORD_TEXT("constraint"), WORD_KEYWORD, R },
	{ WORD_TEXT("copy"), WORD_COPY, 0 },
	{ WORD_TEXT("create"), WORD_CREATE, R },
	{ WORD_TEXT("cross"), WORD_KEYWORD, R | A },
	{ WORD_TEXT("cube"), WORD_KEYWORD, R },
	{ WORD_TEXT("current_catalog"), WORD_KEYWORD, R },
	{ WORD_TEXT("current_date"), WORD_KEYWORD, R },
	{ WORD_TEXT("current_role"), WORD_KEYWORD, R },
	{ WORD_TEXT("current_schema"), WORD_KEYWORD, R },
	{ WORD_TEXT("current_time"), WORD_KEYWORD, R },
	{ WORD_TEXT("current_timestamp"), WORD_KEYWORD, R },
	{ WORD_TEXT("current_user"), WORD_KEYWORD, R },
};
static const struct word d_words[] = {
	{ WORD_TEXT("day"), WORD_DAY, R },
	{ WORD_TEXT("deallocate"), WORD_DEALLOCATE, 0 },
	{ WORD_TEXT("dec"), WORD_KEYWORD, R | T },
	{ WORD_TEXT("decimal"), WORD_KEYWORD, R | T },
	{ WORD_TEXT("declare"), WORD_DECLARE, 0 },
	{ WORD_TEXT("default"), WORD_KEYWORD, R | B },
	{ WORD_TEXT("deferrable"), WORD_KEYWORD, R },
	{ WORD_TEXT("delete"), WORD_DELETE, 0 },
	{ WORD_TEXT("desc"), WORD_KEYWORD, R | A },
	{ WORD_TEXT("discard"), WORD_DISCARD, 0 },
	{ WORD_TEXT("distinct"), WORD_DISTINCT, R | B },
	{ WORD_TEXT("do"), WORD_DO, R },
	{ WORD_TEXT("double"), WORD_DOUBLE, T },
	{ WORD_TEXT("drop"), WORD_DROP, 0 },
};
static const struct word e_words[] = {
	{ WORD_TEXT("else"), WORD_KEYWORD, R | B | A },
	{ WORD_TEXT("end"), WORD_END, R | A },
	{ WORD_TEXT("escape"), WORD_KEYWORD, B | A },
	{ WORD_TEXT("except"), WORD_KEYWORD, R | B | A },
	{ WORD_TEXT("execute"), WORD_EXECUTE, 0 },
	{ WORD_TEXT("exists"), WORD_KEYWORD, R | B },
	{ WORD_TEXT("explain"), WORD_EXPLAIN, 0 },
	{ WORD_TEXT("extract"), WORD_KEYWORD, R },
};
static const struct word f_words[] = {
	{ WORD_TEXT("false"), WORD_FALSE, R },
	{ WORD_TEXT("fetch"), WORD_FETCH, R | B | A },
	{ WORD_TEXT("filter"), WORD_KEYWORD, R },
	{ WORD_TEXT("first"), WORD_FIRST, 0 },
	{ WORD_TEXT("float"), WORD_FLOAT, R | T },
	{ WORD_TEXT("for"), WORD_FOR, R | A },
	{ WORD_TEXT("foreign"), WORD_KEYWORD, R },
	{ WORD_TEXT("forward"), WORD_KEYWORD, B },
	{ WORD_TEXT("freeze"), WORD_KEYWORD, R },
	{ WORD_TEXT("from"), WORD_FROM, R | B | A },
	{ WORD_TEXT("full"), WORD_KEYWORD, R | A },
};
static const struct word g_words[] = {
	{ WORD_TEXT("grant"), WORD_GRANT, R },
	{ WORD_TEXT("greatest"), WORD_KEYWORD, R },
	{ WORD_TEXT("group"), WORD_KEYWORD, R | A },
	{ WORD_TEXT("grouping"), WORD_KEYWORD, R },
};
static const struct word h_words[] = {
	{ WORD_TEXT("having"), WORD_KEYWORD, R | B | A },
	{ WORD_TEXT("hour"), WORD_HOUR, R },
};
static const struct word i_words[] = {
	{ WORD_TEXT("identified"), WORD_IDENTIFIED, 0 },
	{ WORD_TEXT("ilike"), WORD_ILIKE, R | B },
	{ WORD_TEXT("import"), WORD_IMPORT, 0 },
	{ WORD_TEXT("in"), WORD_IN, R | B },
	{ WORD_TEXT("increment"), WORD_KEYWORD, B },
	{ WORD_TEXT("initially"), WORD_KEYWORD, R },
	{ WORD_TEXT("inner"), WORD_KEYWORD, R | A },
	{ WORD_TEXT("inout"), WORD_KEYWORD, R },
	{ WORD_TEXT("insert"), WORD_INSERT, 0 },
	{ WORD_TEXT("int"), WORD_KEYWORD, R | T },
	{ WORD_TEXT("integer"), WORD_KEYWORD, R | T },
	{ WORD_TEXT("intersect"), WORD_KEYWORD, R | B | A },
	{ WORD_TEXT("interval"), WORD_INTERVAL, R | T },
	{ WORD_TEXT("into"), WORD_INTO, R | A },
	{ WORD_TEXT("is"), WORD_IS, R | B },
	{ WORD_TEXT("isnull"), WORD_KEYWORD, R },
};
static const struct word j_words[] = {
	{ WORD_TEXT("join"), WORD_KEYWORD, R | A },
	{ WORD_TEXT("json_array"), WORD_KEYWORD, R },
	{ WORD_TEXT("json_arrayagg"), WORD_KEYWORD, R },
	{ WORD_TEXT("json_exists"), WORD_KEYWORD, R },
	{ WORD_TEXT("json_object"), WORD_KEYWORD, R },
	{ WORD_TEXT("json_objectagg"), WORD_KEYWORD, R },
	{ WORD_TEXT("json_query"), WORD_KEYWORD, R },
	{ WORD_TEXT("json_scalar"), WORD_KEYWORD, R },
	{ WORD_TEXT("json_serialize"), WORD_KEYWORD, R },
	{ WORD_TEXT("json_table"), WORD_KEYWORD, R },
	{ WORD_TEXT("json_value"), WORD_KEYWORD, R },
};
static const struct word l_words[] = {
	{ WORD_TEXT("lateral"), WORD_KEYWORD, R | B },
	{ WORD_TEXT("leading"), WORD_KEYWORD, R },
	{ WORD_TEXT("least"), WORD_KEYWORD, R },
	{ WORD_TEXT("left"), WORD_KEYWORD, R | A },
	{ WORD_TEXT("like"), WORD_LIKE, R | B },
	{ WORD_TEXT("limit"), WORD_LIMIT, R | B | A },
	{ WORD_TEXT("listen"), WORD_LISTEN, 0 },
	{ WORD_TEXT("localtime"), WORD_KEYWORD, R },
	{ WORD_TEXT("localtimestamp"), WORD_KEYWORD, R },
};
static const struct word m_words[] = {
	{ WORD_TEXT("maxvalue"), WORD_KEYWORD, B },
	{ WORD_TEXT("merge"), WORD_MERGE, 0 },
	{ WORD_TEXT("merge_action"), WORD_KEYWORD, R },
	{ WORD_TEXT("minute"), WORD_MINUTE, R },
	{ WORD_TEXT("minvalue"), WORD_KEYWORD, B },
	{ WORD_TEXT("month"), WORD_MONTH, R },
	{ WORD_TEXT("move"), WORD_MOVE, B },
};
static const struct word n_words[] = {
	{ WORD_TEXT("national"), WORD_NATIONAL, R | T },
	{ WORD_TEXT("natural"), WORD_KEYWORD, R | A },
	{ WORD_TEXT("nchar"), WORD_CHARACTER, R | T },
	{ WORD_TEXT("next"), WORD_NEXT, 0 },
	{ WORD_TEXT("none"), WORD_KEYWORD, R },
	{ WORD_TEXT("normalize"), WORD_KEYWORD, R },
	{ WORD_TEXT("not"), WORD_NOT, R | B },
	{ WORD_TEXT("notify"), WORD_NOTIFY, 0 },
	{ WORD_TEXT("notnull"), WORD_KEYWORD, R },
	{ WORD_TEXT("null"), WORD_NULL, R },
	{ WORD_TEXT("nullif"), WORD_KEYWORD, R },
	{ WORD_TEXT("numeric"), WORD_KEYWORD, R | T },
};
static const struct word o_words[] = {
	{ WORD_TEXT("offset"), WORD_OFFSET, R | B | A },
	{ WORD_TEXT("on"), WORD_KEYWORD, R | B | A },
	{ WORD_TEXT("only"), WORD_KEYWORD, R | B },
	{ WORD_TEXT("or"), WORD_KEYWORD, R | B | A },
	{ WORD_TEXT("order"), WORD_KEYWORD, R | A },
	{ WORD_TEXT("out"), WORD_KEYWORD, R },
	{ WORD_TEXT("outer"), WORD_KEYWORD, R },
	{ WORD_TEXT("over"), WORD_KEYWORD, R },
	{ WORD_TEXT("overlaps"), WORD_KEYWORD, R },
	{ WORD_TEXT("overlay"), WORD_KEYWORD, R },
};
static const struct word p_words[] = {
	{ WORD_TEXT("password"), WORD_PASSWORD, 0 },
	{ WORD_TEXT("placing"), WORD_KEYWORD, R },
	{ WORD_TEXT("position"), WORD_KEYWORD, R },
	{ WORD_TEXT("precision"), WORD_PRECISION, R },
	{ WORD_TEXT("prepare"), WORD_PREPARE, 0 },
	{ WORD_TEXT("prepared"), WORD_PREPARED, 0 },
	{ WORD_TEXT("primary"), WORD_KEYWORD, R },
	{ WORD_TEXT("primary_conninfo"), WORD_PRIMARY_CONNINFO, 0 },
};
static const struct word r_words[] = {
	{ WORD_TEXT("real"), WORD_KEYWORD, R | T },
	{ WORD_TEXT("reassign"), WORD_REASSIGN, 0 },
	{ WORD_TEXT("references"), WORD_KEYWORD, R },
	{ WORD_TEXT("refresh"), WORD_REFRESH, 0 },
	{ WORD_TEXT("reindex"), WORD_REINDEX, 0 },
	{ WORD_TEXT("relative"), WORD_KEYWORD, B },
	{ WORD_TEXT("release"), WORD_RELEASE, 0 },
	{ WORD_TEXT("replace"), WORD_REPLACE, 0 },
	{ WORD_TEXT("reset"), WORD_RESET, 0 },
	{ WORD_TEXT("restart"), WORD_KEYWORD, B },
	{ WORD_TEXT("returning"), WORD_KEYWORD, R | B | A },
	{ WORD_TEXT("revoke"), WORD_REVOKE, 0 },
	{ WORD_TEXT("right"), WORD_KEYWORD, R | A },
	{ WORD_TEXT("rollback"), WORD_ROLLBACK, 0 },
	{ WORD_TEXT("rollup"), WORD_KEYWORD, R },
	{ WORD_TEXT("row"), WORD_KEYWORD, R | A },
	{ WORD_TEXT("rows"), WORD_KEYWORD, A },
};
static const struct word s_words[] = {
	{ WORD_TEXT("savepoint"), WORD_SAVEPOINT, 0 },
	{ WORD_TEXT("second"), WORD_SECOND, R },
	{ WORD_TEXT("security"), WORD_SECURITY, 0 },
	{ WORD_TEXT("select"), WORD_SELECT, R | B },
	{ WORD_TEXT("session_user"), WORD_KEYWORD, R },
	{ WORD_TEXT("set"), WORD_SET, B | A },
	{ WORD_TEXT("setof"), WORD_KEYWORD, R },
	{ WORD_TEXT("show"), WORD_SHOW, 0 },
	{ WORD_TEXT("similar"), WORD_KEYWORD, R | B },
	{ WORD_TEXT("smallint"), WORD_KEYWORD, R | T },
	{ WORD_TEXT("some"), WORD_SOME, R | B },
	{ WORD_TEXT("sslpassword"), WORD_PASSWORD, 0 },
	{ WORD_TEXT("start"), WORD_START, B },
	{ WORD_TEXT("substring"), WORD_KEYWORD, R },
	{ WORD_TEXT("symmetric"), WORD_SYMMETRIC, R | B },
	{ WORD_TEXT("system_user"), WORD_KEYWORD, R },
};
static const struct word t_words[] = {
	{ WORD_TEXT("table"), WORD_TABLE, R },
	{ WORD_TEXT("tablesample"), WORD_KEYWORD, R },
	{ WORD_TEXT("then"), WORD_KEYWORD, R | B | A },
	{ WORD_TEXT("time"), WORD_TIME, R | T },
	{ WORD_TEXT("timestamp"), WORD_TIMESTAMP, R | T },
	{ WORD_TEXT("to"), WORD_TO, R | B },
	{ WORD_TEXT("trailing"), WORD_KEYWORD, R },
	{ WORD_TEXT("transaction"), WORD_TRANSACTION, 0 },
	{ WORD_TEXT("treat"), WORD_KEYWORD, R },
	{ WORD_TEXT("trim"), WORD_KEYWORD, R },
	{ WORD_TEXT("true"), WORD_TRUE, R },
	{ WORD_TEXT("truncate"), WORD_TRUNCATE, 0 },
};
static const struct word u_words[] = {
	{ WORD_TEXT("union"), WORD_KEYWORD, R | B | A },
	{ WORD_TEXT("unique"), WORD_KEYWORD, R },
	{ WORD_TEXT("unlisten"), WORD_UNLISTEN, 0 },
	{ WORD_TEXT("update"), WORD_UPDATE, 0 },
	{ WORD_TEXT("user"), WORD_KEYWORD, R },
	{ WORD_TEXT("using"), WORD_KEYWORD, R | B | A },
};
static const struct word v_words[] = {
	{ WORD_TEXT("values"), WORD_VALUES, R | B },
	{ WORD_TEXT("varchar"), WORD_KEYWORD, R | T },
	{ WORD_TEXT("variadic"), WORD_KEYWORD, R | B },
	{ WORD_TEXT("varying"), WORD_VARYING, R },
	{ WORD_TEXT("verbose"), WORD_KEYWORD, R },
};
static const struct word w_words[] = {
	{ WORD_TEXT("when"), WORD_KEYWORD, R | B | A },
	{ WORD_TEXT("where"), WORD_KEYWORD, R | B | A },
	{ WORD_TEXT("window"), WORD_KEYWORD, R | A },
	{ WORD_TEXT("with"), WORD_WITH, R | B | A },
	{ WORD_TEXT("within"), WORD_KEYWORD, R },
	{ WORD_TEXT("without"), WORD_WITHOUT, R },
};
static const struct word x_words[] = {
	{ WORD_TEXT("xmlattributes"), WORD_KEYWORD, R },
	{ WORD_TEXT("xmlconcat"), WORD_KEYWORD, R },
	{ WORD_TEXT("xmlelement"), WORD_KEYWORD, R },
	{ WORD_TEXT("xmlexists"), WORD_KEYWORD, R },
	{ WORD_TEXT("xmlforest"), WORD_KEYWORD, R },
	{ WORD_TEXT("xmlnamespaces"), WORD_KEYWORD, R },
	{ WORD_TEXT("xmlparse"), WORD_KEYWORD, R },
	{ WORD_TEXT("xmlpi"), WORD_KEYWORD, R },
	{ WORD_TEXT("xmlroot"), WORD_KEYWORD, R },
	{ WORD_TEXT("xmlserialize"), WORD_KEYWORD, R },
	{ WORD_TEXT("xmltable"), WORD_KEYWORD, R },
};
static const struct word y_words[] = {
	{ WORD_TEXT("year"), WORD_YEAR, R },
};
static const struct word z_words[] = {
	{ WORD_TEXT("zone"), WORD_ZONE, 0 },
};
#undef R
#undef B
#undef A
#undef T

static const struct word_list lists[26] = {
	LIST(a, 'a'),
	LIST(b, 'b'),
	LIST(c, 'c'),
	LIST(d, 'd'),
	LIST(e, 'e'),
	LIST(f, 'f'),
	LIST(g, 'g'),
	LIST(h, 'h'),
	LIST(i, 'i'),
	LIST(j, 'j'),
	LIST(l, 'l'),
	LIST(m, 'm'),
	LIST(n, 'n'),
	LIST(o, 'o'),
	LIST(p, 'p'),
	LIST(r, 'r'),
	LIST(s, 's'),
	LIST(t, 't'),
	LIST(u, 'u'),
	LIST(v, 'v'),
	LIST(w, 'w'),
	LIST(x, 'x'),
	LIST(y, 'y'),
	LIST(z, 'z'),
};
/* clang-format on */

struct sql_word_info sql_word_lookup(struct slice lower)
{
	return word_find(lists, lower);
}
