from kedang_workers.cli import app

app(prog_name="kedang")
