"""The catalogue over time: what a row may say, its versions, and how it comes in and goes out as a workbook."""
