# What a reader sees, in English. Each message is whole; a $name is filled in by the program, a
# whole number among them chooses the plural. {"\u00A0"} is a space that no line breaks at. Messages that
# the page shows as they are may hold <i>, <b> and <code>.

# As Babel calls the way in which numbers and lists are written.
locale = en_GB

# Between two sentences.
sentence-space = {" "}

## Numbers

percent = { $percent }{"\u00A0"}%
number-below = below { $number }
number-below-short = < { $number }
seconds = { $seconds }{"\u00A0"}s
minutes = { $minutes }{"\u00A0"}min
cny = CNY{"\u00A0"}{ $amount }
cny-unit = CNY
cny-unit-of = { $size } CNY
between = { $low } to { $high }

## Vendors

vendor-archetype = { $vendor } (archetype)
