"""The three-way merge of fields and the lineage of operations. Pure: knows no database."""
