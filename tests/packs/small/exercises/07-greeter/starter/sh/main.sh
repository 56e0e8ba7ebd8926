#!/bin/sh
echo starter
