def test_it(packer, package, tmp_path):
    import subprocess

    print(package)
    print(
        subprocess.run(
            f"cd {package}; cat README.txt | head -40; cat bag-info.txt; find . -type f | grep -v vault | head -70; find . -type f | wc -l; du -sh .; cut -c1-200 data/omitted.jsonl | head -20; head -5 data/index.tsv; cat data/findings/* | head -c 1500; f=$(ls data/evidence/EV-IAM-01/* | head -1); head -100 $f",
            shell=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    done = packer.place.evidence("verify", str(package), "--trust", "trust-policy.json")
    print(done.stdout, done.stderr)
    from flows.report.package.readme import shell_lines

    (tmp_path / "s.sh").write_text(shell_lines((package / "README.txt").read_text()))
    r = subprocess.run(
        ["bash", "-x", str(tmp_path / "s.sh")],
        cwd=package,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "POLICY": str(packer.place.trust)},
    )
    print(r.returncode, r.stdout[-500:], r.stderr[-1500:])
    subprocess.run(
        f"rm -rf /tmp/pk_bag; cp -r {package} /tmp/pk_bag; cp {packer.place.trust} /tmp/pk_trust.json; rm -rf /tmp/pk_place; cp -r {packer.place.folder} /tmp/pk_place",
        shell=True,
    )
    assert 0
