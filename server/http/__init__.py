"""What every HTTP edge shares: who calls, how often, problems as answers, caching, origins, clean texts."""
