-- SPDX-License-Identifier: Apache-2.0
\d
\d items
\d+ written
\d cheap
\dT+ mood
\df noisy
\dn
\dt
\ds
\sf noisy
\dconfig server_version
\encoding
