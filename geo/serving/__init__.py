"""The SQL of what maps and GIS programs read: features, pages of them, vector tiles, simplified areas."""
