"""Everything that meets the outside: domain services, HTTP and job edges, pages, launcher."""
