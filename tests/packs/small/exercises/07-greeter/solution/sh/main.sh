#!/bin/sh
echo solution
