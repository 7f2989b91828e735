-- SPDX-License-Identifier: Apache-2.0
;
\;
/* only a comment */ ;
select;
\echo after nothing
-- the end
