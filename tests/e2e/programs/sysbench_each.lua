-- SPDX-License-Identifier: Apache-2.0
-- oltp_point_select or oltp_read_write, EVENTS of them in every thread: a run limited by a total is no measure, since how
-- many a thread gets to is up to the machine, and with it what it asks.
dofile("/usr/share/sysbench/" .. os.getenv("WORKLOAD") .. ".lua")

local once = event
local left = tonumber(os.getenv("EVENTS"))

function event()
	if left == 0 then
		return true -- ends this thread
	end
	left = left - 1
	once()
end
