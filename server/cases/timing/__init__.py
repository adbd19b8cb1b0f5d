"""The clocks of cases on the database: read with what they are counted from; and a cache of when they speak up."""
