-- SPDX-License-Identifier: Apache-2.0
-- oltp_point_select or oltp_read_write, EVENTS of them in every thread: a run limited by a total is no measure, since how
-- many a thread gets to is up to the machine, and with it what it asks.
dofile("/usr/share/sysbench/" .. os.getenv("WORKLOAD") .. ".lua")

-- sysbench seeds its threads while they start, side by side, so that which numbers a thread draws, and with them what all of them ask,
-- is now and then up to the machine. Where only reads are asked for they follow from the seed and the thread's number (the generator of
-- Park and Miller).
if os.getenv("WORKLOAD") == "oltp_point_select" then
	local state

	sysbench.rand.default = function(first, last)
		state = state or (sysbench.opt.rand_seed * 1000 + sysbench.tid + 1) % 2147483647
		state = state * 16807 % 2147483647
		return first + state % (last - first + 1)
	end
end

local once = event
local left = tonumber(os.getenv("EVENTS"))

function event()
	if left == 0 then
		return true -- ends this thread
	end
	left = left - 1
	once()
end
