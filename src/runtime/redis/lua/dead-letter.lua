-- Moves one entry out of a supplier's relay stream into its dead letters.
-- KEYS: 1 stream, 2 dead letters
-- ARGV: 1 group, 2 entry id, 3 reason, 4 how many dead letters to keep at most (about)
-- Returns: 1 moved, 0 there was no such entry (it is acknowledged all the same)
-- Guarantees: the entry is in exactly one of the two streams; all its fields are kept; running it again changes nothing.
local found = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])
if #found == 0 then
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
  return 0
end
local fields = found[1][2]
table.insert(fields, 'reason')
table.insert(fields, ARGV[3])
table.insert(fields, 'entry_id')
table.insert(fields, ARGV[2])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', unpack(fields))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return 1
